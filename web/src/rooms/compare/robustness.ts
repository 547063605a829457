/** How approaches stand changes to their pictures, side by side and as rows of a table. */
import type { Schema } from "../../lib/api.ts";
import type { Approach, Run } from "../../lib/run.ts";
import type { Row } from "../../lib/table.ts";

export interface Brittle {
  approach: Approach;
  measured: Schema["Robustness"];
}

/** One change, and what it does to every approach; the first value is that of no change. */
export interface Change {
  name: string;
  /** What was done, as the beginning of a line: "Turned". */
  title: string;
  strengths: string[];
  lines: { approach: Approach; values: number[] }[];
}

/** Of the approaches that were asked, the best first. */
export function robustnessOf(run: Run): Brittle[] {
  return run.ranked.flatMap((approach) => {
    const measured = approach.result.robustness;
    return measured?.corruptions.length ? [{ approach, measured }] : [];
  });
}

/** All changes in the order of the record, each with every approach that was asked. */
export function changes(known: readonly Brittle[]): Change[] {
  const found = new Map<string, Change>();
  for (const { approach, measured } of known) {
    for (const { name, words, strengths, accuracy } of measured.corruptions) {
      const change = found.get(name) ?? { name, title: capital(words), strengths, lines: [] };
      change.lines.push({ approach, values: [measured.clean, ...accuracy] });
      found.set(name, change);
    }
  }
  return [...found.values()];
}

/** What is left over all strengths. */
export function mean(accuracy: readonly number[]): number {
  return accuracy.reduce((a, b) => a + b, 0) / accuracy.length;
}

export function robustnessRows(known: readonly Brittle[]): Row[] {
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
