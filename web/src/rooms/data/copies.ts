/** Groups of near-duplicates, by their rows. */
import type { Run } from "../../lib/run.ts";

export interface Copies {
  exact: boolean;
  /** Whether their labels differ. */
  differ: boolean;
  pictures: { name: string; label: string; row: number | null }[];
}

/** Groups with different labels first, then exact ones. */
export function copies(run: Run): Copies[] {
  const named = rowsByName(run);
  const worth = (one: Copies) => Number(one.differ) * 2 + Number(one.exact);
  return run.results.dataset.duplicates
    .map(({ exact, names, labels, rows }) => ({
      exact,
      differ: new Set(labels).size > 1,
      pictures: names.map((name, n) => ({
        name,
        label: labels[n]!,
        // Older runs hold names only, which may repeat: each row is used once.
        row: rows?.[n] ?? named.get(name)?.shift() ?? null,
      })),
    }))
    .sort((a, b) => worth(b) - worth(a));
}

function rowsByName(run: Run): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  run.names.forEach((name, row) => {
    const same = rows.get(name);
    if (same) same.push(row);
    else rows.set(name, [row]);
  });
  return rows;
}
