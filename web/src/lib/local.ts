/** Models in this browser: requests to the worker that holds them. */
import type {
  Early,
  Example,
  Explanations,
  ModelInfo,
  Models,
  Predictions,
  Seen,
} from "./models.ts";
import type { Question, Renewed, Reply } from "./local.worker.ts";

const EXAMPLES = "examples.json";

/** The callbacks of a request that has no reply yet. */
interface Waiting {
  early: Early | undefined;
  done: (reply: Reply) => void;
}

export class LocalModels implements Models {
  readonly keeper = null;
  readonly #index: string;
  readonly #waiting = new Map<number, Waiting>();
  /** The models' inputs arrive together with their answers. */
  readonly #seen = new WeakMap<File, Seen | null>();
  #worker: Worker | undefined;
  #listed: Promise<ModelInfo[]> | undefined;
  #examples: Promise<Example[]> | undefined;
  #taught: ModelInfo | null = null;
  #count = 0;

  /** `index` is the address of models.json, beside the page. */
  constructor(index: string) {
    this.#index = new URL(index, document.baseURI).href;
  }

  async list(): Promise<ModelInfo[]> {
    this.#listed ??= this.#ask<ModelInfo[]>({ kind: "list", index: this.#index });
    this.#listed.catch(() => (this.#listed = undefined)); // the next try may succeed
    const found = await this.#listed;
    return this.#taught ? [...found, this.#taught] : found;
  }

  /** The features of a picture, of a model that can be taught. */
  features(file: File, name: string): Promise<Float32Array> {
    return this.#ask({ kind: "features", file, name });
  }

  /** Answer with a model that was taught more, or no longer. */
  async taught(of: string, taught: Renewed | null, accuracy: number | null = null): Promise<void> {
    await this.#ask({ kind: "taught", of, taught });
    const model = (await this.#listed)?.find(({ name }) => name === of);
    if (!taught || !model) this.#taught = null;
    else {
      const { name, title, classes } = taught;
      this.#taught = { ...model, name, title, classes, accuracy };
    }
  }

  /** Those beside the page; its owner chose whether it has some. They stay without a network. */
  examples(): Promise<Example[]> {
    this.#examples ??= fetch(new URL(EXAMPLES, this.#index)).then((file) =>
      file.ok ? (file.json() as Promise<Example[]>) : [],
    );
    this.#examples.catch(() => (this.#examples = undefined)); // the next try may succeed
    return this.#examples;
  }

  async predict(
    files: File[],
    names: string[],
    top: number,
    _signal?: AbortSignal,
    early?: Early,
  ): Promise<Predictions> {
    const { seen, ...found } = await this.#ask<Predictions & { seen: Seen | null }>(
      { kind: "predict", files, names, top },
      early,
    );
    if (files.length === 1) this.#seen.set(files[0]!, seen);
    return found;
  }

  async seen(file: File): Promise<Seen | null> {
    return this.#seen.get(file) ?? null;
  }

  explain(file: File, names: string[]): Promise<Explanations> {
    return this.#ask({ kind: "explain", file, names });
  }

  #ask<Answer>(question: Question, early?: Early): Promise<Answer> {
    if (!this.#worker) {
      this.#worker = new Worker(new URL("./local.worker.ts", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        const waiting = this.#waiting.get(data.id);
        if (data.early) waiting?.early?.(data.early);
        else if (this.#waiting.delete(data.id)) waiting?.done(data);
      };
      this.#worker.onerror = () => {
        for (const [id, waiting] of this.#waiting) {
          waiting.done({
            id,
            error:
              "The models cannot be started. Serve the whole folder; if a file is not missing, " +
              "use a newer browser.",
          });
        }
        this.#waiting.clear();
      };
    }
    const id = this.#count++;
    const worker = this.#worker;
    return new Promise((done, fail) => {
      this.#waiting.set(id, {
        early,
        done: ({ answer, error }) =>
          error === undefined ? done(answer as Answer) : fail(new Error(error)),
      });
      worker.postMessage({ id, question });
    });
  }
}
