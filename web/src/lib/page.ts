/** What this page offers: its rooms, and where runs, studies and models come from. */
import { getContext, setContext } from "svelte";
import type { Schema } from "./api.ts";
import { ROOMS } from "../rooms.ts";
import { roomsOf, type PageKind, type Room } from "./menu.ts";
import type { Models } from "./models.ts";
import type { Run } from "./run.ts";
import type { Teacher } from "../teach/teacher.svelte.ts";

/** The source of runs: a server, or the report itself. */
export interface Shelf {
  list(): Promise<Schema["RunSummary"][]>;
  /** The run of that name, fetched once. */
  open(name: string): Promise<Run>;
  /** Fetch a run again when it is opened next: it is about to change. */
  forget?(name: string): void;
  /** A table among the files of a run, if there is a server. */
  table?(run: string, name: TableName): Promise<Blob>;
}

export type TableName = "mistakes" | "corrections" | "learning" | "robustness";

/** The source of studies: a server, or the report itself. */
export interface StudyShelf {
  /** Whether there may be several, which may still be running. */
  readonly live: boolean;
  list(): Promise<Schema["StudySummary"][]>;
  /** Its current state, fetched each time. */
  open(name: string): Promise<Schema["StudyView"]>;
  /** All trials as a table, if there is a server. */
  table?(study: string): Promise<Blob>;
}

export class Page {
  /** In the order of the menu. */
  readonly rooms: readonly Room[];
  readonly shelf: Shelf | null;
  readonly studies: StudyShelf | null;
  readonly models: Models | null;
  /** Where a model of this page can be taught more. */
  readonly teacher: Teacher | null;

  constructor(
    kind: PageKind,
    sources: Partial<Pick<Page, "shelf" | "studies" | "models" | "teacher">>,
  ) {
    this.rooms = roomsOf(kind, ROOMS).filter(({ needs }) => !needs || sources[needs]);
    this.shelf = sources.shelf ?? null;
    this.studies = sources.studies ?? null;
    this.models = sources.models ?? null;
    this.teacher = sources.teacher ?? null;
  }

  /** Whether this page has a room, so that others may link to it. */
  has(room: string): boolean {
    return this.rooms.some(({ name }) => name === room);
  }
}

const KEY = Symbol("page");

export function providePage(page: Page): void {
  setContext(KEY, page);
}

export function usePage(): Page {
  return getContext<Page>(KEY);
}
