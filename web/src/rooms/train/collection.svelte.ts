/** A set during drawing: its classes, their pictures, and how to take a step back. */
import { t } from "../../lib/language.svelte.ts";
import { recall, remember, remembered } from "../../lib/stored.ts";
import { unfitClass } from "./naming.ts";
import type { SetSummary } from "./sets.ts";
import { served, type Kept, type PictureStore } from "./store.ts";

export type { Kept } from "./store.ts";

/** A change on this page, and how to take it back. */
export interface Step {
  /** What was done: "Removed a picture of cat." */
  words: string;
  /** Whether it is announced over the page, because its place may be out of sight. */
  loud: boolean;
  back: () => Promise<void>;
}

const CLASSES = "bakeoff-classes-"; // before the name of the set, in the browser's storage

export class Collection {
  /** The server's summary; null before the first picture. */
  summary = $state.raw<SetSummary | null>(null);
  /** Oldest first. */
  pictures = $state.raw<Kept[]>([]);
  /** Classes in the order of their creation on this browser, some without pictures yet. */
  classes = $state.raw<string[]>([]);
  /** Newest last, for Undo. */
  steps = $state.raw<Step[]>([]);
  readonly #newer = new Map<string, string>(); // ids that changed
  #last: Promise<unknown> = Promise.resolve(); // the change that was begun last
  readonly #by = $derived(grouped(this.classes, this.pictures));

  constructor(
    readonly name: string,
    readonly store: PictureStore = served(name),
  ) {}

  async load(): Promise<void> {
    ({ summary: this.summary, pictures: this.pictures } = await this.store.load());
    const known = this.summary?.classes.map((label) => label.name) ?? [];
    this.classes = [...new Set([...rememberedClasses(this.name), ...known])];
  }

  /** Pictures of a class, newest first. */
  of(label: string): readonly Kept[] {
    return this.#by.get(label) ?? [];
  }

  /** Why a name cannot be a class; null if it can. */
  unfit(label: string): string | null {
    const name = label.trim();
    if (this.classes.some((label) => label.toLowerCase() === name.toLowerCase()))
      return t("set.classExists");
    return unfitClass(name);
  }

  addClass(label: string): void {
    this.classes = [...this.classes, label.trim()];
    this.#remember();
  }

  /** Only for a class without pictures, which this browser alone knows. */
  removeClass(label: string): void {
    this.classes = this.classes.filter((one) => one !== label);
    this.#remember();
  }

  keep(label: string, group: string, file: Blob): Promise<void> {
    return this.#inTurn(async () => {
      const kept = await this.#add(label, group, file);
      await this.#refresh();
      this.#done({
        words: t("set.stepAdded", { label }),
        loud: false,
        back: () => this.#delete([kept]),
      });
    });
  }

  /** Add many pictures as one step, which ends early if `stopped`. Returns the refused files. */
  async keepAll(
    label: string,
    group: string,
    files: AsyncIterable<File> | Iterable<File>,
    stopped?: AbortSignal,
  ): Promise<{ name: string; problem: string }[]> {
    const [added, refused] = [[] as Kept[], [] as { name: string; problem: string }[]];
    const back = async () => {
      await this.#delete([...added]);
      added.length = 0;
    };
    let step: Step | undefined;
    // From its first picture on, so that what is changed while others come is taken back before.
    const note = (loud: boolean) => {
      const words = t("set.stepAddedMany", { n: added.length, label });
      const [before, now] = [step, { words, loud, back }];
      if (!before || !this.steps.includes(before)) this.#done(now);
      else this.steps = this.steps.map((one) => (one === before ? now : one));
      step = now;
    };
    for await (const file of files) {
      if (stopped?.aborted) break;
      try {
        await this.#inTurn(async () => {
          added.push(await this.#add(label, group, file));
          note(false);
        });
      } catch (error) {
        refused.push({ name: file.name, problem: (error as Error).message });
      }
    }
    await this.#inTurn(async () => {
      if (!added.length) return;
      await this.#refresh();
      note(true);
    });
    return refused;
  }

  remove(kept: Kept): Promise<void> {
    return this.#inTurn(async () => {
      const file = await this.store.original(this.#now(kept));
      await this.#delete([kept]);
      const back = async () => {
        const again = await this.#add(kept.label, kept.group ?? "", file);
        this.#renamed([kept], [again]);
        await this.#refresh();
      };
      this.#done({ words: t("set.stepRemoved", { label: kept.label }), loud: true, back });
    });
  }

  /** Give a picture another class. */
  relabel(kept: Kept, label: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#move([kept], label);
      const back = () => this.#move([kept], kept.label);
      this.#done({ words: t("set.stepMoved", { label: kept.label, to: label }), loud: true, back });
    });
  }

  /** Rename a class; if the name is that of another class, the two become one. */
  rename(label: string, to: string): Promise<void> {
    return this.#inTurn(async () => {
      const [moved, before] = [[...this.of(label)], this.classes];
      await this.#move(moved, to);
      this.classes = before.includes(to)
        ? before.filter((one) => one !== label)
        : before.map((one) => (one === label ? to : one));
      this.#remember();
      const back = async () => {
        await this.#move(moved, label);
        this.classes = before;
        this.#remember();
      };
      const words = t(before.includes(to) ? "set.stepMerged" : "set.stepRenamed", { label, to });
      this.#done({ words, loud: true, back });
    });
  }

  /** Move a class up (-1) or down (1) in the list. */
  reorder(label: string, by: -1 | 1): void {
    const place = this.classes.indexOf(label);
    const other = this.classes[place + by];
    if (place < 0 || other === undefined) return;
    this.classes = this.classes.map((one) => (one === label ? other : one === other ? label : one));
    this.#remember();
  }

  /** Take back the last change; a second call takes back the one before it. */
  undo(): Promise<Step | undefined> {
    return this.#inTurn(async () => {
      const step = this.steps.at(-1);
      if (!step) return undefined;
      await step.back();
      this.steps = this.steps.filter((one) => one !== step);
      return step;
    });
  }

  /** Make a change when those begun before it are over: Undo takes back what was done last. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const made = this.#last.then(change);
    this.#last = made.catch(() => {});
    return made;
  }

  #done(step: Step): void {
    this.steps = [...this.steps, step];
  }

  async #add(label: string, group: string, file: Blob): Promise<Kept> {
    const kept = await this.store.add(label, group, file);
    this.pictures = [...this.pictures, kept];
    if (!this.classes.includes(label)) this.classes = [...this.classes, label];
    this.#remember();
    return kept;
  }

  async #delete(all: readonly Kept[]): Promise<void> {
    for (const kept of all) {
      const id = this.#now(kept);
      await this.store.remove(id);
      this.pictures = this.pictures.filter((one) => one.id !== id);
    }
    await this.#refresh();
  }

  async #move(all: readonly Kept[], label: string): Promise<void> {
    if (!all.length) return;
    const before = all.map((kept) => ({ ...kept, id: this.#now(kept) }));
    const after = await this.store.move(
      before.map(({ id }) => id),
      label,
    );
    const ids = new Map(before.map(({ id }, n) => [id, after[n]!]));
    this.pictures = this.pictures.map((one) => ids.get(one.id) ?? one);
    this.#renamed(before, after);
    if (!this.classes.includes(label)) this.classes = [...this.classes, label];
    this.#remember();
    await this.#refresh();
  }

  /** The present id of a picture, which changes with its class. */
  #now({ id }: Kept): string {
    let now = id;
    while (this.#newer.has(now)) now = this.#newer.get(now)!;
    return now;
  }

  #renamed(before: readonly Kept[], after: readonly Kept[]): void {
    before.forEach(({ id }, n) => {
      if (id !== after[n]!.id) this.#newer.set(id, after[n]!.id);
      this.#newer.delete(after[n]!.id); // an id that is used again is no older one
    });
  }

  async #refresh(): Promise<void> {
    this.summary = await this.store.summary().catch(() => this.summary);
  }

  // The server knows a class by its pictures, and no order.
  #remember(): void {
    remember("browser", CLASSES + this.name, this.classes.length ? this.classes : null);
  }
}

/** The classes of a set in the order of their creation, as far as this browser knows. */
export function rememberedClasses(set: string): string[] {
  const found = recall("browser", CLASSES + set);
  return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
}

/** Names of the sets whose classes this browser knows. */
export function rememberedSets(): string[] {
  return remembered("browser", CLASSES);
}

export function forgetClasses(set: string): void {
  remember("browser", CLASSES + set, null);
}

function grouped(classes: readonly string[], pictures: readonly Kept[]): Map<string, Kept[]> {
  const found = new Map(classes.map((label) => [label, [] as Kept[]]));
  for (const one of pictures) found.get(one.label)?.unshift(one);
  return found;
}
