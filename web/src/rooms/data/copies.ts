/** Pictures that are in the set more than once, by their rows. */
import type { Run } from "../../lib/run.ts";

export interface Copies {
  exact: boolean;
  /** Whether not all bear the same label. */
  differ: boolean;
  pictures: { name: string; label: string; row: number | null }[];
}

/** Those with different labels first, then the exact ones. */
export function copies(run: Run): Copies[] {
  const rows = new Map<string, number[]>();
  run.names.forEach((name, row) => {
    const same = rows.get(name);
    if (same) same.push(row);
    else rows.set(name, [row]);
  });
  const worth = (one: Copies) => Number(one.differ) * 2 + Number(one.exact);
  return run.results.dataset.duplicates
    .map(({ exact, names, labels }) => ({
      exact,
      differ: new Set(labels).size > 1,
      // Names need not be unique: each row is taken once.
      pictures: names.map((name, n) => ({
        name,
        label: labels[n]!,
        row: rows.get(name)?.shift() ?? null,
      })),
    }))
    .sort((a, b) => worth(b) - worth(a));
}
