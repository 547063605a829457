/** Labels that the models doubt, odd pictures, and how hard each picture is. */
import type { Schema } from "../../lib/api.ts";
import type { Approach, Run } from "../../lib/run.ts";

export type Health = Schema["Health"];

export interface Suspect extends Omit<Schema["Suspect"], "agree"> {
  /** The approaches that propose the same. */
  agree: Approach[];
}

/** The most doubtful first; null where no model was asked, or an older run did not look. */
export function suspects(run: Run): Suspect[] | null {
  if (!run.approaches.length) return null;
  const found = run.results.health?.suspects.map((one) => ({
    ...one,
    agree: one.agree.flatMap((name) => run.approach(name) ?? []),
  }));
  return found?.sort((a, b) => a.quality - b.quality || a.index - b.index) ?? null;
}

/** Mean loss over the approaches that were asked of a picture; null where none was. */
export function hardness(run: Run, row: number): number | null {
  const asked = run.approaches.filter((one) => one.asked(row));
  return asked.length ? asked.reduce((sum, one) => sum + one.loss(row), 0) / asked.length : null;
}
