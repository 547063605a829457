/** Labels that the reader corrects: kept in this browser until the run is trained again. */
import { SvelteMap } from "svelte/reactivity";
import type { Run } from "./run.ts";
import { recall, remember } from "./stored.ts";
import { table } from "./table.ts";

export interface Change {
  action: "relabel" | "leave out" | "delete";
  /** The class that it should have; "" if it is left out or deleted. */
  proposed: string;
}

export class Changes {
  /** By row of the run. */
  readonly #made: SvelteMap<number, Change>;
  /** What each row was before, newest last, for Undo. */
  #before = $state.raw<readonly { row: number; change: Change | undefined }[]>([]);
  readonly #key: string;

  constructor(readonly run: Run) {
    // A run of the same name may be another one.
    this.#key = `bakeoff-changes-${run.name}-${run.results.created}`;
    const known = recall("browser", this.#key);
    const rows = Array.isArray(known) ? (known as [number, Change][]) : [];
    this.#made = new SvelteMap(rows.filter(([row]) => row < run.length));
  }

  get size(): number {
    return this.#made.size;
  }

  get canUndo(): boolean {
    return this.#before.length > 0;
  }

  of(row: number): Change | undefined {
    return this.#made.get(row);
  }

  /** The class that a picture has with the changes; null if it is left out or deleted. */
  label(row: number): string | null {
    const change = this.of(row);
    if (!change) return this.run.label(row);
    return change.action === "relabel" ? change.proposed : null;
  }

  relabel(row: number, label: string): void {
    this.#put(
      row,
      label === this.run.label(row) ? undefined : { action: "relabel", proposed: label },
    );
  }

  /** Leave a picture out, or keep it again. */
  leaveOut(row: number): void {
    this.#drop(row, "leave out");
  }

  /** Have a picture deleted when the run is trained again, or keep it again. */
  delete(row: number): void {
    this.#drop(row, "delete");
  }

  /** How many pictures are lost when the run is trained again. */
  get deleted(): number {
    return [...this.#made.values()].filter(({ action }) => action === "delete").length;
  }

  #drop(row: number, action: "leave out" | "delete"): void {
    const already = this.of(row)?.action === action;
    this.#put(row, already ? undefined : { action, proposed: "" });
  }

  undo(): number | undefined {
    const last = this.#before.at(-1);
    if (!last) return undefined;
    this.#before = this.#before.slice(0, -1);
    this.#set(last.row, last.change);
    return last.row;
  }

  clear(): void {
    for (const row of [...this.#made.keys()]) this.#put(row, undefined);
  }

  /** As the server and corrections.csv have them. */
  get rows(): { action: Change["action"]; name: string; label: string; proposed: string }[] {
    return [...this.#made]
      .sort(([a], [b]) => a - b)
      .map(([row, { action, proposed }]) => ({
        action,
        name: this.run.names[row]!,
        label: this.run.label(row),
        proposed,
      }));
  }

  /** The text of corrections.csv, which deletes nothing: such pictures are left out. */
  get csv(): string {
    const header = ["action", "name", "label", "proposed", "why"];
    return table([
      header,
      ...this.rows.map(({ action, name, label, proposed }) => [
        ...[action === "delete" ? "leave out" : action, name, label, proposed, "by hand"],
      ]),
    ]);
  }

  #put(row: number, change: Change | undefined): void {
    this.#before = [...this.#before, { row, change: this.of(row) }];
    this.#set(row, change);
  }

  #set(row: number, change: Change | undefined): void {
    if (change) this.#made.set(row, change);
    else this.#made.delete(row);
    remember("browser", this.#key, this.size ? [...this.#made] : null);
  }
}

const open = new WeakMap<Run, Changes>();

/** The changes to a run, the same in every room. */
export function changesOf(run: Run): Changes {
  let found = open.get(run);
  if (!found) {
    found = new Changes(run);
    open.set(run, found);
  }
  return found;
}

const BEFORE = "bakeoff-before-";

/** Remember from which run another was made, to show what the changes brought. */
export function rememberBefore(run: string, before: string): void {
  remember("browser", BEFORE + run, before);
}

export function runBefore(run: string): string | null {
  const found = recall("browser", BEFORE + run);
  return typeof found === "string" ? found : null;
}
