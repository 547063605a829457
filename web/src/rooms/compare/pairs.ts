/** Pairwise comparisons on the scored parts of the pictures. */
import type { Schema } from "../../lib/api.ts";
import type { Approach, Part, Run } from "../../lib/run.ts";

export type Comparison = Schema["Comparison"];

/** One pair on one part of the pictures. */
export interface Compared {
  part: Part;
  one: Comparison;
}

/** The comparisons on a part. */
function of(run: Run, part: Part): readonly Comparison[] {
  if (part === run.parts[0]) return run.results.comparison;
  return part === "test" ? (run.results.test_comparison ?? []) : [];
}

function same(a: Comparison, names: readonly [string, string]): boolean {
  return names.includes(a.a) && names.includes(a.b);
}

/** The comparison of two approaches on a part, in either order. */
export function compared(run: Run, a: Approach, b: Approach, part: Part): Comparison | undefined {
  return of(run, part).find((one) => same(one, [a.name, b.name]));
}

/** The comparisons of each pair, part by part. */
export function pairs(run: Run): Compared[][] {
  const [first, ...others] = run.parts;
  if (!first) return [];
  return of(run, first).map((one) => [
    { part: first, one },
    ...others.flatMap((part) =>
      of(run, part)
        .filter((other) => same(other, [one.a, one.b]))
        .map((other) => ({ part, one: other })),
    ),
  ]);
}
