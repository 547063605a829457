/** Models in this browser: questions to a thread that holds them. */
import type { Question } from "./local.worker.ts";
import type { Explanations, ModelInfo, Models, Predictions, Seen } from "./models.ts";

interface Reply {
  id: number;
  answer?: unknown;
  error?: string;
}

export class LocalModels implements Models {
  readonly keeper = null;
  readonly #index: string;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  /** What was seen of a picture comes along with its answers. */
  readonly #seen = new WeakMap<File, Seen | null>();
  #worker: Worker | undefined;
  #listed: Promise<ModelInfo[]> | undefined;
  #count = 0;

  /** `index` is the address of models.json, beside the page. */
  constructor(index: string) {
    this.#index = new URL(index, document.baseURI).href;
  }

  list(): Promise<ModelInfo[]> {
    this.#listed ??= this.#ask<ModelInfo[]>({ kind: "list", index: this.#index });
    this.#listed.catch(() => (this.#listed = undefined)); // it may work the next time
    return this.#listed;
  }

  async predict(files: File[], names: string[], top: number): Promise<Predictions> {
    const { seen, ...found } = await this.#ask<Predictions & { seen: Seen | null }>({
      kind: "predict",
      files,
      names,
      top,
    });
    if (files.length === 1) this.#seen.set(files[0]!, seen);
    return found;
  }

  async seen(file: File): Promise<Seen | null> {
    return this.#seen.get(file) ?? null;
  }

  explain(file: File, names: string[]): Promise<Explanations> {
    return this.#ask({ kind: "explain", file, names });
  }

  #ask<Answer>(question: Question): Promise<Answer> {
    if (!this.#worker) {
      this.#worker = new Worker(new URL("./local.worker.ts", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        this.#waiting.get(data.id)?.(data);
        this.#waiting.delete(data.id);
      };
      this.#worker.onerror = () => {
        for (const [id, reply] of this.#waiting) {
          reply({ id, error: "The models can not be run in this browser. Try a newer one." });
        }
        this.#waiting.clear();
      };
    }
    const id = this.#count++;
    const worker = this.#worker;
    return new Promise((done, fail) => {
      this.#waiting.set(id, ({ answer, error }) =>
        error === undefined ? done(answer as Answer) : fail(new Error(error)),
      );
      worker.postMessage({ id, question });
    });
  }
}
