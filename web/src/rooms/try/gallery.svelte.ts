/** Many pictures, asked in portions; what can not be read is listed and the others go on. */
import { Refused } from "../../lib/api.ts";
import type { LeftOut, Models } from "../../lib/models.ts";
import { byModel } from "./desk.svelte.ts";
import type { Shown } from "./sift.ts";

const FILES = 40; // in a portion
const BYTES = 8e6;
const TOP = 5;

export class Gallery {
  pictures = $state.raw<readonly Shown[]>([]);
  leftOut = $state.raw<readonly LeftOut[]>([]);
  /** Files that were asked about, of how many. */
  done = $state(0);
  total = $state(0);
  /** What ended it before all were asked. */
  problem = $state.raw<unknown>(null);

  #stopped = new AbortController();

  constructor(
    readonly models: Models,
    readonly names: string[],
  ) {}

  get working(): boolean {
    return this.done < this.total && !this.problem;
  }

  /** Ask about these files instead of those before. */
  async take(files: readonly File[]): Promise<void> {
    this.stop();
    const stopped = (this.#stopped = new AbortController());
    [this.pictures, this.leftOut, this.problem] = [[], [], null];
    [this.done, this.total] = [0, files.length];
    try {
      for (const portion of portions(files)) {
        await this.#ask(portion, stopped.signal);
        if (stopped.signal.aborted) return;
        this.done += portion.length;
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
      found = await this.models.predict([...files], this.names, TOP, signal);
    } catch (error) {
      if (!(error instanceof Refused) || ![400, 413].includes(error.status)) throw error;
      if (files.length === 1) {
        this.leftOut = [...this.leftOut, refusal(files[0]!, error)];
        return;
      }
      // One of them spoils the portion: halves tell which.
      const half = files.length >> 1;
      await this.#ask(files.slice(0, half), signal);
      await this.#ask(files.slice(half), signal);
      return;
    }
    const waiting = byName(files);
    const answers = found.models[0]?.answers ?? [];
    this.pictures = [
      ...this.pictures,
      ...answers.map(({ name }, row) => ({
        name,
        file: waiting.get(name)?.shift() ?? null,
        said: byModel(found.models, row),
      })),
    ];
    this.leftOut = [...this.leftOut, ...found.left_out];
  }
}

/** Files in portions, none of them too many or too large at once. */
export function* portions(files: readonly File[]): Generator<File[]> {
  let portion: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (portion.length && (portion.length >= FILES || bytes + file.size > BYTES)) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(file);
    bytes += file.size;
  }
  if (portion.length) yield portion;
}

/** Two files may have one name: they come in the order in which they were sent. */
function byName(files: readonly File[]): Map<string, File[]> {
  const found = new Map<string, File[]>();
  for (const file of files) found.set(file.name, [...(found.get(file.name) ?? []), file]);
  return found;
}

/** The server's sentence, "NAME: what is wrong. The mend." */
function refusal(file: File, error: Refused): LeftOut {
  const text = error.message.startsWith(`${file.name}: `)
    ? error.message.slice(file.name.length + 2)
    : error.message;
  return { subject: file.name, problem: text, hint: "" };
}
