/** The pictures that the gallery shows, and their order, from the address. */
import { t } from "../../lib/language.svelte.ts";
import type { Query } from "../../lib/route.svelte.ts";
import type { Run } from "../../lib/run.ts";
import { foldTitle } from "../../lib/running.ts";
import { hardness } from "./labels.ts";

export type Order = "row" | "hardest";

/** The parts that hold pictures, in the order of the run: each fold, the locked test, … */
export function partsOf(run: Run): { name: string; pictures: number }[] {
  const found = new Map<string, number>();
  for (let row = 0; row < run.length; row++) {
    const name = run.part(row);
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  const folds = run.results.protocol.fold_names;
  const order = [...folds, "test", "training", "kept out"];
  return order.flatMap((name) => {
    const pictures = found.get(name);
    return pictures ? [{ name, pictures }] : [];
  });
}

/** The displayed name of a part. */
export function partTitle(name: string): string {
  if (name === "test") return t("common.testPart");
  if (name === "training") return t("common.trainingPart");
  if (name === "kept out") return t("common.keptOutPart");
  return foldTitle(name);
}

/** Rows that match the query, in its order. Unknown classes and groups match nothing. */
export function chosen(run: Run, query: Query): number[] {
  const label = query.class ? run.classes.indexOf(query.class) : null;
  const group = query.group ? run.groups.indexOf(query.group) : null;
  const wanted = query.find?.toLowerCase();
  const rows = run.rows(
    (row) =>
      (label === null || run.labels[row] === label) &&
      (group === null || run.groupOf?.[row] === group) &&
      (!query.part || run.part(row) === query.part) &&
      (!wanted || run.names[row]!.toLowerCase().includes(wanted)),
  );
  if (query.sort !== "hardest") return rows;
  const hard = new Map(rows.map((row) => [row, hardness(run, row) ?? -1]));
  return rows.sort((a, b) => hard.get(b)! - hard.get(a)! || a - b);
}

/** At most `most` rows, spread evenly, of pictures that this page contains. */
export function sample(run: Run, rows: readonly number[], most: number): number[] {
  const present = rows.filter((row) => run.sheets.place(row));
  if (present.length <= most) return present;
  return Array.from({ length: most }, (_, n) => present[Math.floor((n * present.length) / most)]!);
}
