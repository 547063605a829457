/** Many pictures, predicted in batches; unreadable files are listed and the others go on. */
import { Refused } from "../../lib/api.ts";
import { pathOf, shownNames, withPath } from "../../lib/dropped.ts";
import { fileOfUri, unzipped } from "../../lib/picture.ts";
import type { LeftOut, Models } from "../../lib/models.ts";
import { byModel, driftedIn } from "./desk.svelte.ts";
import type { Shown } from "./sift.ts";
import { truthOf } from "./truth.ts";

const FILES = 40; // in a batch
const BYTES = 8e6;
const TOP = 5;

export class Gallery {
  pictures = $state.raw<readonly Shown[]>([]);
  leftOut = $state.raw<readonly LeftOut[]>([]);
  /** How files were read that could have been read otherwise. */
  notes = $state.raw<readonly string[]>([]);
  /** The models whose drift alarm was raised. */
  drifted = $state.raw<readonly string[]>([]);
  /** Number of processed files, and of all. */
  done = $state(0);
  total = $state(0);
  /** The error that ended it early. */
  problem = $state.raw<unknown>(null);

  #stopped = new AbortController();
  #names: ReadonlyMap<File, string> = new Map();

  constructor(
    readonly models: Models,
    /** The models to ask. */
    public names: readonly string[],
    /** Of all the models: only these can be true. */
    public classes: readonly string[],
  ) {}

  get working(): boolean {
    return this.done < this.total && !this.problem;
  }

  /** Predict for these files instead of the earlier ones. */
  async take(given: readonly File[]): Promise<void> {
    this.stop();
    const stopped = (this.#stopped = new AbortController());
    [this.pictures, this.leftOut, this.notes, this.problem] = [[], [], [], null];
    [this.done, this.total] = [0, given.length];
    const files = await unzipped(given);
    if (stopped.signal.aborted) return;
    this.total = files.length;
    this.#names = shownNames(files); // of all batches
    try {
      for (const batch of batches(files)) {
        await this.#ask(batch, stopped.signal);
        if (stopped.signal.aborted) return;
        this.done += batch.length;
      }
    } catch (error) {
      if (!stopped.signal.aborted) this.problem = error;
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.total = this.done;
  }

  async #ask(files: readonly File[], signal: AbortSignal): Promise<void> {
    if (!files.length || signal.aborted) return;
    let found;
    try {
      found = await this.models.predict([...files], [...this.names], TOP, signal);
    } catch (error) {
      if (!(error instanceof Refused) || ![400, 413].includes(error.status)) throw error;
      if (files.length === 1) {
        this.leftOut = [...this.leftOut, this.#refusal(files[0]!, error)];
        return;
      }
      // One bad file fails the batch: halving finds it.
      const half = files.length >> 1;
      await this.#ask(files.slice(0, half), signal);
      await this.#ask(files.slice(half), signal);
      return;
    }
    this.drifted = driftedIn(found);
    const byPath = byText(files, pathOf);
    const byName = byText(files, ({ name }) => name); // a model in the browser gets no paths
    const answers = found.models[0]?.answers ?? [];
    this.pictures = [
      ...this.pictures,
      ...answers.map(({ name, path }, row) => {
        const whole = (byPath.get(path) ?? byName.get(name))?.shift() ?? null;
        const { label, picture } = found.pictures?.[row] ?? { label: null, picture: null };
        const file = whole ?? (picture ? withPath(fileOfUri(picture, name), path) : null);
        const shown = (whole && this.#names.get(whole)) ?? name;
        const truth = truthOf(whole ? pathOf(whole) : path, label, this.classes);
        return { name: shown, file, truth, said: byModel(found.models, row) };
      }),
    ];
    this.leftOut = [...this.leftOut, ...found.left_out];
    this.notes = [...this.notes, ...(found.notes ?? [])];
  }

  /** From the server's sentence, "NAME: problem. Hint." */
  #refusal(file: File, error: Refused): LeftOut {
    const { message } = error;
    const start = `${file.name}: `;
    const problem = message.startsWith(start) ? message.slice(start.length) : message;
    return { subject: this.#names.get(file) ?? file.name, problem, hint: "" };
  }
}

/** Files in batches of limited number and size. */
export function* batches(files: readonly File[]): Generator<File[]> {
  let batch: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length && (batch.length >= FILES || bytes + file.size > BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length) yield batch;
}

/** Files by a text of theirs; those with the same keep the order in which they were sent. */
function byText(files: readonly File[], textOf: (file: File) => string): Map<string, File[]> {
  const found = new Map<string, File[]>();
  for (const file of files) found.set(textOf(file), [...(found.get(textOf(file)) ?? []), file]);
  return found;
}
