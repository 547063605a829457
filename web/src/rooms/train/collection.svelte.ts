/** A set during drawing: its classes, their pictures, and the last additions. */
import {
  addPicture,
  findSet,
  listPictures,
  openSet,
  removePicture,
  type SetSummary,
} from "./sets.ts";

export interface Kept {
  id: string;
  label: string;
}

export class Collection {
  /** The server's summary; null before the first picture. */
  summary = $state.raw<SetSummary | null>(null);
  /** Oldest first. */
  pictures = $state.raw<Kept[]>([]);
  /** Classes in the order of their creation, some without pictures yet. */
  classes = $state.raw<string[]>([]);
  /** The pictures added on this page, newest last, for Undo. */
  last = $state.raw<Kept[]>([]);
  readonly #by = $derived(grouped(this.classes, this.pictures));

  constructor(readonly name: string) {}

  async load(): Promise<void> {
    this.summary = await findSet(this.name);
    const out = new Set(this.summary?.left_out.map((file) => file.subject));
    const pictures = this.summary?.editable ? await listPictures(this.name) : [];
    this.pictures = pictures.filter((picture) => !out.has(picture.id));
    const known = this.summary?.classes.map((label) => label.name) ?? [];
    this.classes = [...known, ...this.#remembered().filter((one) => !known.includes(one))];
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

  /** Only for a class without pictures, which this tab alone knows. */
  removeClass(label: string): void {
    this.classes = this.classes.filter((one) => one !== label);
    this.#remember();
  }

  async keep(label: string, group: string, file: File): Promise<void> {
    const { id } = await addPicture(this.name, label, group, file);
    this.pictures = [...this.pictures, { id, label }];
    this.last = [...this.last, { id, label }];
    await this.#refresh();
  }

  async remove(kept: Kept): Promise<void> {
    await removePicture(this.name, kept.id);
    const others = (all: Kept[]) => all.filter((one) => one.id !== kept.id);
    [this.pictures, this.last] = [others(this.pictures), others(this.last)];
    this.#remember();
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    this.summary = await openSet(this.name).catch(() => this.summary);
  }

  // The server knows a class by its pictures; until the first one this tab remembers it.
  #remembered(): string[] {
    try {
      const found: unknown = JSON.parse(sessionStorage.getItem(this.#key) ?? "[]");
      return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  }

  #remember(): void {
    const empty = this.classes.filter((label) => !this.of(label).length);
    sessionStorage.setItem(this.#key, JSON.stringify(empty));
  }

  get #key(): string {
    return `bakeoff-classes-${this.name}`;
  }
}

function grouped(classes: readonly string[], pictures: readonly Kept[]): Map<string, Kept[]> {
  const found = new Map(classes.map((label) => [label, [] as Kept[]]));
  for (const one of pictures) found.get(one.label)?.unshift(one);
  return found;
}
