/** What a page can do depends on how it was shipped; rooms ask for it here. */
import { getContext, setContext, type Component } from "svelte";
import type { Schema } from "./api.ts";
import type { Models } from "./models.ts";
import type { Run } from "./run.ts";

export type Room = "try" | "compare" | "data" | "train" | "tune";

/** Where runs come from: a server, or the report itself. */
export interface Shelf {
  list(): Promise<Schema["RunSummary"][]>;
  /** The run of that name; asked for once, then remembered. */
  open(name: string): Promise<Run>;
  /** A table among the files of a run, where it can be had. */
  table?(run: string, name: TableName): Promise<Blob>;
}

export type TableName = "mistakes" | "corrections" | "learning" | "robustness";

/** Where searches of settings come from: a server, or the report itself. */
export interface StudyShelf {
  /** Whether there can be others, and whether they can go on while one looks. */
  readonly live: boolean;
  list(): Promise<Schema["StudySummary"][]>;
  /** As it is now; asked for anew each time. */
  open(name: string): Promise<Schema["StudyView"]>;
  /** All trials, as the study keeps them, where that can be had. */
  table?(study: string): Promise<Blob>;
}

export interface Page {
  /** In the order of the menu, each fetched when it is first entered. */
  rooms: Partial<Record<Room, () => Promise<{ default: Component }>>>;
  shelf: Shelf | null;
  studies: StudyShelf | null;
  models: Models | null;
}

const KEY = Symbol("page");

export function providePage(page: Page): void {
  setContext(KEY, page);
}

export function usePage(): Page {
  return getContext<Page>(KEY);
}
