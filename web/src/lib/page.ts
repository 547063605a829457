/** What a page can do depends on how it was shipped; rooms ask for it here. */
import { getContext, setContext, type Component } from "svelte";
import type { Schema } from "./api.ts";
import type { Models } from "./models.ts";
import type { Run } from "./run.ts";

export type Room = "try" | "compare" | "data" | "train";

/** Where runs come from: a server, or the report itself. */
export interface Shelf {
  list(): Promise<Schema["RunSummary"][]>;
  /** The run of that name; asked for once, then remembered. */
  open(name: string): Promise<Run>;
  /** A table among the files of a run, where it can be had. */
  table?(run: string, name: TableName): Promise<Blob>;
}

export type TableName = "mistakes" | "corrections" | "learning" | "brittleness";

export interface Page {
  /** In the order of the menu, each fetched when it is first entered. */
  rooms: Partial<Record<Room, () => Promise<{ default: Component }>>>;
  shelf: Shelf | null;
  models: Models | null;
}

const KEY = Symbol("page");

export function providePage(page: Page): void {
  setContext(KEY, page);
}

export function usePage(): Page {
  return getContext<Page>(KEY);
}
