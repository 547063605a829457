/** Models behind the server that serves this page. */
import { get, Refused, send } from "./api.ts";
import { pathOf } from "./dropped.ts";
import type {
  Early,
  Example,
  Explanations,
  Models,
  ModelInfo,
  Predictions,
  Seen,
} from "./models.ts";
import { MadeFile } from "./png.ts";
import { ServedSets } from "./sets.ts";

export class ServedModels implements Models {
  readonly keeper = new ServedSets();
  /** Whether the server can return the models' inputs; older versions cannot. */
  #shows = true;

  list(run?: string): Promise<ModelInfo[]> {
    if (!run) return get("/api/models");
    return send("POST", `/api/runs/${encodeURIComponent(run)}/models`);
  }

  async examples(run?: string): Promise<Example[]> {
    return run ? get(`/api/runs/${encodeURIComponent(run)}/examples`) : [];
  }

  predict(
    files: File[],
    names: string[],
    top: number,
    signal?: AbortSignal,
    _early?: Early,
    watch = true,
  ): Promise<Predictions> {
    const [first] = files;
    const made = files.length === 1 && first instanceof MadeFile; // whose name nobody gave
    const form = new FormData();
    if (!made) for (const file of files) form.append("files", file, pathOf(file));
    // Rows of tables have no file that could be shown.
    const shown = files.some((file) => !file.type.startsWith("image/"));
    const query = `${chosen(names)}&top=${top}${shown ? "&pictures=true" : ""}${watch ? "" : "&watch=false"}`;
    return send("POST", `/api/predict?${query}`, made ? first : form, signal);
  }

  async seen(file: File, names: string[], signal?: AbortSignal): Promise<Seen | null> {
    if (!this.#shows) return null;
    try {
      return await send("POST", `/api/seen?${chosen(names)}`, file, signal);
    } catch (error) {
      // Not about this picture: older bundles do not output their input.
      this.#shows = !(error instanceof Refused && [404, 405, 409, 500].includes(error.status));
      return null;
    }
  }

  explain(file: File, names: string[], signal?: AbortSignal): Promise<Explanations> {
    return send("POST", `/api/explain?${chosen(names)}`, file, signal);
  }
}

function chosen(names: string[]): string {
  return new URLSearchParams(names.map((name) => ["model", name])).toString();
}
