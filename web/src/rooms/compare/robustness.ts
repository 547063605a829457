/** Robustness of the approaches, side by side and as rows of a table. */
import type { Schema } from "../../lib/api.ts";
import type { Approach, Run } from "../../lib/run.ts";
import type { Row } from "../../lib/table.ts";

export interface ApproachRobustness {
  approach: Approach;
  measured: Schema["Robustness"];
}

/** One corruption with the accuracy of every approach; the first value is without corruption. */
export interface Corruption {
  name: string;
  /** What was done, capitalised: "Turned". */
  title: string;
  strengths: string[];
  lines: { approach: Approach; values: number[] }[];
}

/** Of the approaches that were tested, the best first. */
export function robustnessOf(run: Run): ApproachRobustness[] {
  return run.ranked.flatMap((approach) => {
    const measured = approach.result.robustness;
    return measured?.corruptions.length ? [{ approach, measured }] : [];
  });
}

/** All corruptions in the order of the record, each with every tested approach. */
export function corruptions(known: readonly ApproachRobustness[]): Corruption[] {
  const found = new Map<string, Corruption>();
  for (const { approach, measured } of known) {
    for (const { name, words, strengths, accuracy } of measured.corruptions) {
      const change = found.get(name) ?? { name, title: capital(words), strengths, lines: [] };
      change.lines.push({ approach, values: [measured.clean, ...accuracy] });
      found.set(name, change);
    }
  }
  return [...found.values()];
}

/** The mean over all strengths. */
export function mean(accuracy: readonly number[]): number {
  return accuracy.reduce((a, b) => a + b, 0) / accuracy.length;
}

export function robustnessRows(known: readonly ApproachRobustness[]): Row[] {
  const rows = known.flatMap(({ approach, measured }) =>
    measured.corruptions.flatMap(({ name, strengths, accuracy }) =>
      accuracy.map((share, step): Row => [
        ...[approach.name, name, step + 1, strengths[step] ?? ""],
        share.toFixed(4),
      ]),
    ),
  );
  return [["approach", "corruption", "strength", "amount", "accuracy"], ...rows];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
