/** Labelling of pictures in the order in which their labels help most. */
import { t } from "../../lib/language.svelte.ts";
import { recall, remember } from "../../lib/stored.ts";
import { rememberedClasses } from "./collection.svelte.ts";
import { unfitClass } from "./naming.ts";
import { movePictures, nextPictures, openSet, type NextPicture, type SetSummary } from "./sets.ts";

/** What was done with a picture. */
export interface Done {
  picture: NextPicture;
  action: "label" | "skip" | "none";
  /** The class, for a label. */
  label: string;
  /** The id that it has since. */
  id: string;
}

const APART = "bakeoff-apart-"; // before the name of the set, in the browser's storage
const TAKE = 20;

export class Labelling {
  summary = $state.raw<SetSummary>();
  /** Still to look at, best first. */
  queue = $state.raw<readonly NextPicture[]>([]);
  /** Newest last, for Undo. */
  done = $state.raw<readonly Done[]>([]);
  /** Names of classes, in the order of their keys. */
  classes = $state.raw<readonly string[]>([]);
  /** Ids that are of no class; the browser keeps them. */
  #none = $state.raw<readonly string[]>([]);
  #acting: Promise<unknown> = Promise.resolve(); // one after the other

  constructor(readonly set: string) {
    const known = recall("browser", APART + set);
    this.#none = Array.isArray(known) ? known.filter((one) => typeof one === "string") : [];
  }

  get current(): NextPicture | undefined {
    return this.queue[0];
  }

  /** Pictures labelled here, since the page was opened. */
  get spent(): number {
    return this.done.filter((one) => one.action === "label").length;
  }

  /** Ask for the next pictures, as a run sees them, or by their looks. */
  async load(run: string | null): Promise<void> {
    this.summary = await openSet(this.set);
    const names = this.summary.classes.map((one) => one.name);
    this.classes = [...new Set([...this.classes, ...rememberedClasses(this.set), ...names])];
    const skipped = new Set(this.done.filter((one) => one.action === "skip").map(({ id }) => id));
    const out = new Set([...this.#none, ...skipped]);
    const found = await nextPictures(this.set, run, TAKE + out.size);
    // Ranking takes seconds. Pictures that got a label meanwhile are under another address now.
    const labelled = this.done.filter((one) => one.action !== "none").map((one) => one.picture.id);
    const gone = new Set([...out, ...this.#none, ...labelled]);
    const fresh = found.filter((one) => !gone.has(one.id));
    this.queue = fresh.slice(0, TAKE);
  }

  /** Why a name cannot be a class; null if it can. */
  unfit(label: string): string | null {
    const name = label.trim().toLowerCase();
    if (this.classes.some((one) => one.toLowerCase() === name)) return t("set.classExists");
    return unfitClass(label.trim());
  }

  addClass(label: string): void {
    this.classes = [...this.classes, label.trim()];
  }

  label(label: string): Promise<void> {
    return this.#act(async (picture) => {
      const [moved] = await movePictures(this.set, [picture.id], label);
      this.#next({ picture, action: "label", label, id: moved!.id });
      this.#count(label, 1);
    });
  }

  skip(): Promise<void> {
    return this.#act(async (picture) => {
      this.#next({ picture, action: "skip", label: "", id: picture.id });
    });
  }

  /** It is of none of the classes: never ask for it again. */
  none(): Promise<void> {
    return this.#act(async (picture) => {
      this.#keepNone([...this.#none, picture.id]);
      this.#next({ picture, action: "none", label: "", id: picture.id });
    });
  }

  undo(): Promise<void> {
    return this.#queued(async () => {
      const last = this.done.at(-1);
      if (!last) return;
      let { picture } = last;
      if (last.action === "label") {
        const [back] = await movePictures(this.set, [last.id], null);
        picture = { ...picture, id: back!.id };
        this.#count(last.label, -1);
      } else if (last.action === "none") {
        this.#keepNone(this.#none.filter((id) => id !== last.id));
      }
      this.done = this.done.slice(0, -1);
      this.queue = [picture, ...this.queue];
    });
  }

  /** What was done last, in words. */
  get words(): string {
    const last = this.done.at(-1);
    if (!last) return "";
    if (last.action === "skip") return t("label.skipped");
    if (last.action === "none") return t("label.apart");
    return t("label.labelled", {
      label: last.label,
      count: t("count.labels", { n: this.spent }),
    });
  }

  #act(work: (picture: NextPicture) => Promise<void>): Promise<void> {
    return this.#queued(async () => {
      const picture = this.current;
      if (picture) await work(picture);
    });
  }

  /** One after the other, so that two keys in a moment label two pictures. */
  #queued(work: () => Promise<void>): Promise<void> {
    const acted = this.#acting.then(work);
    this.#acting = acted.catch(() => {});
    return acted;
  }

  #next(done: Done): void {
    this.done = [...this.done, done];
    // By its id: a new ranking may have come since.
    this.queue = this.queue.filter((one) => one.id !== done.picture.id);
  }

  #count(label: string, by: 1 | -1): void {
    if (!this.summary) return;
    const known = this.summary.classes.find((one) => one.name === label);
    const rest = this.summary.classes.filter((one) => one !== known);
    const classes = [...rest, { name: label, count: (known?.count ?? 0) + by }];
    this.summary = {
      ...this.summary,
      classes,
      pictures: this.summary.pictures + by,
      unlabelled: this.summary.unlabelled - by,
    };
  }

  #keepNone(ids: readonly string[]): void {
    this.#none = ids;
    remember("browser", APART + this.set, ids.length ? ids : null);
  }
}

/** Whether the labels so far are enough to train on: two classes of two pictures. */
export function trainable(summary: SetSummary | undefined): boolean {
  return (summary?.classes.filter((one) => one.count >= 2).length ?? 0) >= 2;
}

/** The folds that a small set allows. */
export function foldsFor(summary: SetSummary): number {
  const least = Math.min(...summary.classes.map((one) => one.count).filter((count) => count > 1));
  return Math.max(2, Math.min(5, least));
}
