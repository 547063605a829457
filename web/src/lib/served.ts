/** Models behind the server that serves this page. */
import { get, send } from "./api.ts";
import type { Explanations, ModelInfo, Models, Predictions, Seen } from "./models.ts";

export class ServedModels implements Models {
  list(run?: string): Promise<ModelInfo[]> {
    if (!run) return get("/api/models");
    return send("POST", `/api/runs/${encodeURIComponent(run)}/models`);
  }

  predict(files: File[], names: string[], top: number, signal?: AbortSignal): Promise<Predictions> {
    const form = new FormData();
    for (const file of files) form.append("files", file);
    return send("POST", `/api/predict?${chosen(names)}&top=${top}`, form, signal);
  }

  seen(file: File, names: string[], signal?: AbortSignal): Promise<Seen> {
    return send("POST", `/api/seen?${chosen(names)}`, file, signal);
  }

  explain(file: File, names: string[], signal?: AbortSignal): Promise<Explanations> {
    return send("POST", `/api/explain?${chosen(names)}`, file, signal);
  }
}

function chosen(names: string[]): string {
  return new URLSearchParams(names.map((name) => ["model", name])).toString();
}
