/** Accuracy by class or by group, with all approaches side by side. */
import type { Whisker } from "../../charts/whiskers.ts";
import type { Schema } from "../../lib/api.ts";
import type { Approach, Part } from "../../lib/run.ts";
import { scoresIn } from "./counts.ts";

export interface BreakdownRow {
  name: string;
  pictures: number;
  whiskers: Whisker[];
  /** By approach, in the order given; null if it has no answers. */
  accuracies: (number | null)[];
}

type Measured = Schema["ClassScore"] | Schema["GroupScore"];

/** One row for every class or group, in the order of the dataset. */
export function breakdown(
  approaches: readonly Approach[],
  part: Part,
  by: "per_class" | "per_group",
): BreakdownRow[] {
  const known = approaches.map((approach) => {
    // A class without pictures has no accuracy, whatever its record says.
    const scored: readonly Measured[] = scoresIn(approach, part)?.[by] ?? [];
    return {
      approach,
      of: new Map(scored.filter((one) => one.pictures).map((one) => [one.name, one])),
    };
  });
  const names = new Set(known.flatMap(({ of }) => [...of.keys()]));
  return [...names].map((name) => ({
    name,
    pictures: Math.max(...known.map(({ of }) => of.get(name)?.pictures ?? 0)),
    whiskers: known.flatMap(({ approach, of }) => {
      const one = of.get(name);
      if (!one) return [];
      const { number, title } = approach;
      return [{ number, label: title, value: one.accuracy, interval: one.interval }];
    }),
    accuracies: known.map(({ of }) => of.get(name)?.accuracy ?? null),
  }));
}

/** The lowest mean accuracy first. */
export function hardest(rows: readonly BreakdownRow[]): BreakdownRow[] {
  const mean = ({ accuracies }: BreakdownRow) => {
    const known = accuracies.filter((one) => one !== null);
    return known.reduce((a, b) => a + b, 0) / known.length;
  };
  return [...rows].sort((a, b) => mean(a) - mean(b));
}
