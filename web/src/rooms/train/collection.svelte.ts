/** A set during drawing: its classes, their pictures, and how to take a step back. */
import { recall, remember, remembered } from "../../lib/stored.ts";
import {
  addPicture,
  findSet,
  listPictures,
  openSet,
  pictureBlob,
  removePicture,
  type SetSummary,
} from "./sets.ts";

export interface Kept {
  id: string;
  label: string;
  group?: string | null;
}

/** A picture that was added or removed on this page; `file` is what was removed. */
export interface Step {
  kept: Kept;
  file: Blob | null;
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
  readonly #by = $derived(grouped(this.classes, this.pictures));

  constructor(readonly name: string) {}

  async load(): Promise<void> {
    this.summary = await findSet(this.name);
    const out = new Set(this.summary?.left_out.map((file) => file.subject));
    const pictures = this.summary?.editable ? await listPictures(this.name) : [];
    this.pictures = pictures.filter((picture) => !out.has(picture.id));
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
    if (!name) return "Give the class a name.";
    if (this.classes.some((label) => label.toLowerCase() === name.toLowerCase()))
      return "A class of that name exists already.";
    if (/[/\\:*?"<>|]|--|^[.-]|[.-]$/.test(name))
      return 'Leave out / \\ : * ? " < > | and --, and do not begin or end with . or -.';
    return null;
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

  async keep(label: string, group: string, file: Blob): Promise<void> {
    const kept = await this.#add(label, group, file);
    this.steps = [...this.steps, { kept, file: null }];
  }

  async remove(kept: Kept): Promise<void> {
    const file = await pictureBlob(this.name, kept.id);
    await this.#delete(kept);
    this.steps = [...this.steps, { kept, file }];
  }

  /** Take back the last addition or removal. */
  async undo(): Promise<void> {
    const step = this.steps.at(-1);
    if (!step) return;
    const { kept, file } = step;
    if (!file) await this.#delete(kept);
    const again = file ? await this.#add(kept.label, kept.group ?? "", file) : null;
    this.steps = this.steps
      .filter((one) => one !== step)
      .map((one) => (again && one.kept.id === kept.id ? { ...one, kept: again } : one));
  }

  async #add(label: string, group: string, file: Blob): Promise<Kept> {
    const kept = await addPicture(this.name, label, group, file);
    this.pictures = [...this.pictures, kept];
    if (!this.classes.includes(label)) this.classes = [...this.classes, label];
    this.#remember();
    await this.#refresh();
    return kept;
  }

  async #delete(kept: Kept): Promise<void> {
    await removePicture(this.name, kept.id);
    this.pictures = this.pictures.filter((one) => one.id !== kept.id);
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    this.summary = await openSet(this.name).catch(() => this.summary);
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
