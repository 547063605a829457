/** Robustness of the approaches, side by side and as rows of a table. */
import type { Schema } from "../../lib/api.ts";
import { capital } from "../../lib/format.ts";
import type { Approach, Run } from "../../lib/run.ts";
import { corruptionWords, said } from "../../lib/said.ts";
import type { Row } from "../../lib/table.ts";

export interface ApproachRobustness {
  approach: Approach;
  measured: Schema["Robustness"];
}

/** One corruption with the accuracy of every approach; the first value is without corruption. */
export interface Corruption {
  name: string;
  /** What a picture then is: "rotated". */
  words: string;
  /** The same, capitalised. */
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
    for (const one of measured.corruptions) {
      const { name, accuracy } = one;
      const change = found.get(name) ?? { ...described(one), lines: [] };
      change.lines.push({ approach, values: [measured.clean, ...accuracy] });
      found.set(name, change);
    }
  }
  return [...found.values()];
}

/** In the reader's language. */
function described(one: Schema["CorruptionResult"]): Omit<Corruption, "lines"> {
  const words = corruptionWords(one.name, one.words);
  const strengths = one.strengths.map((text, n) => said(one.strengths_said?.[n], text));
  return { name: one.name, words, title: capital(words), strengths };
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
