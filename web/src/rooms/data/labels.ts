/** Possible label errors, odd pictures, and how hard each picture is. */
import type { Schema } from "../../lib/api.ts";
import type { Approach, Run } from "../../lib/run.ts";

export type Health = Schema["Health"];

export interface LabelError extends Omit<Schema["Suspect"], "agree"> {
  /** The approaches that propose the same class. */
  agree: Approach[];
}

/** Lowest quality first; null without models, or if an older run did not check. */
export function labelErrors(run: Run): LabelError[] | null {
  if (!run.approaches.length) return null;
  const found = run.results.health?.suspects.map((suspect) => ({
    ...suspect,
    agree: suspect.agree.flatMap((name) => run.approach(name) ?? []),
  }));
  return found?.sort((a, b) => a.quality - b.quality || a.index - b.index) ?? null;
}

/** Mean loss over the approaches that answered a picture; null if none did. */
export function hardness(run: Run, row: number): number | null {
  const answering = run.approaches.filter((approach) => approach.answered(row));
  return answering.length
    ? answering.reduce((sum, one) => sum + one.loss(row), 0) / answering.length
    : null;
}
