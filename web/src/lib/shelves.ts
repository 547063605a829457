/** The two shelves: the runs of a server, and the one run in a report. */
import { get, request, type Schema } from "./api.ts";
import { unpacked } from "./base64.ts";
import type { Shelf, TableName } from "./page.ts";
import { Run, type View } from "./run.ts";

/** Whether there is something to show of a run: it is finished, or some approaches are scored. */
export function hasResults(one: Schema["RunSummary"]): boolean {
  return one.finished || !!one.scored?.length;
}

/** The run with results that started last; where that is unknown, the last on the shelf. */
export function newest(list: Schema["RunSummary"][]): Schema["RunSummary"] | undefined {
  const begun = (one: Schema["RunSummary"] & { created?: string | null }) => one.created ?? "";
  return list
    .filter(hasResults)
    .sort((a, b) => begun(a).localeCompare(begun(b)))
    .at(-1);
}

/** Runs of the server that serves this page. */
export class ServedShelf implements Shelf {
  readonly #opened = new Map<string, Promise<Run>>();

  async list(): Promise<Schema["RunSummary"][]> {
    const runs = await get<Schema["RunSummary"][]>("/api/runs");
    // A finished run is at work again where a curve is added to it.
    for (const one of runs) if (!one.finished) this.#opened.delete(one.name);
    return runs;
  }

  open(name: string): Promise<Run> {
    let found = this.#opened.get(name);
    if (!found) {
      found = get<View>(`/api/runs/${encodeURIComponent(name)}/view`).then(
        (view) => new Run(name, view),
      );
      this.#opened.set(name, found);
      found.then(
        (run) => run.results.preliminary && this.#opened.delete(name), // more is known later
        () => this.#opened.delete(name), // it may be there at the next try
      );
    }
    return found;
  }

  forget(name: string): void {
    this.#opened.delete(name);
  }

  async table(run: string, name: TableName): Promise<Blob> {
    return (await request(`/api/runs/${encodeURIComponent(run)}/tables/${name}`)).blob();
  }
}

/** The run in this very file. */
export class CarriedShelf implements Shelf {
  readonly #run: Promise<Run>;

  constructor(text: string) {
    this.#run = unpacked<View>(text).then((view) => new Run(view.results.dataset.name, view));
  }

  async list(): Promise<Schema["RunSummary"][]> {
    const { name, results } = await this.#run;
    const { name: winner, why } = results.winner;
    const approaches = results.approaches.map((approach) => approach.name);
    const dataset = results.dataset.name;
    const state = { status: "finished", finished: true, home: false, public: false } as const;
    return [{ ...state, models: [], name, dataset, approaches, scored: approaches, winner, why }];
  }

  open(): Promise<Run> {
    return this.#run;
  }
}
