/** Counts of filtered pictures; all others are in the results. */
import type { Approach, ConfusedPair, Part, Run, Scores } from "../../lib/run.ts";

/** Numbers of pictures of class `truth` with the answer `answer`, as a square matrix. */
export class Confusion {
  /** Pictures of each class. */
  readonly totals: number[];

  constructor(readonly counts: readonly (readonly number[])[]) {
    this.totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  }

  count(truth: number, answer: number): number {
    return this.counts[truth]![answer]!;
  }

  /** Of the pictures of class `truth`. */
  share(truth: number, answer: number): number {
    return this.count(truth, answer) / (this.totals[truth] || 1);
  }

  /** Wrong answers, the most frequent first. */
  pairs(classes: readonly string[]): ConfusedPair[] {
    return this.counts
      .flatMap((row, truth) =>
        row.flatMap((count, answer) =>
          count && truth !== answer
            ? [
                {
                  truth: classes[truth]!,
                  answer: classes[answer]!,
                  count,
                  share: this.share(truth, answer),
                },
              ]
            : [],
        ),
      )
      .sort((a, b) => b.count - a.count || b.share - a.share);
  }
}

export function scoresIn(approach: Approach, part: Part): Scores | null {
  return part === "test" ? approach.result.test : approach.result.out_of_fold;
}

/** Rows that an approach answered in a part, and in a group where one is named. */
export function rowsIn(run: Run, approach: Approach, part: Part, group?: number): number[] {
  return run
    .rowsOf(part)
    .filter(
      (row) => approach.answered(row) && (group === undefined || run.groupOf?.[row] === group),
    );
}

/** From the results; for one group it is counted here. */
export function confusion(run: Run, approach: Approach, part: Part, group?: number): Confusion {
  const known = scoresIn(approach, part)?.confusion;
  if (group === undefined && known) return new Confusion(known);
  const counts = run.classes.map(() => new Array<number>(run.classes.length).fill(0));
  for (const row of rowsIn(run, approach, part, group)) {
    counts[run.labels[row]!]![approach.answer[row]!]!++;
  }
  return new Confusion(counts);
}

/** Rows by which of two approaches are right. */
export interface Sides {
  both: number[];
  onlyA: number[];
  onlyB: number[];
  neither: number[];
}

/** Rows of a part that both answered, by which of them is right. */
export function sides(run: Run, a: Approach, b: Approach, part: Part): Sides {
  const found: Sides = { both: [], onlyA: [], onlyB: [], neither: [] };
  for (const row of rowsIn(run, a, part).filter((row) => b.answered(row))) {
    const [rightA, rightB] = [run.right(a, row), run.right(b, row)];
    const side = rightA ? (rightB ? "both" : "onlyA") : rightB ? "onlyB" : "neither";
    found[side].push(row);
  }
  return found;
}

/** Which mistakes: all, right in another approach, or wrong in all approaches. */
export type Whose = "all" | "alone" | "shared";

export interface MistakeFilter {
  part: Part;
  whose: Whose;
  label?: number | undefined;
  group?: number | undefined;
}

/** Rows that an approach got wrong, the most surprising first. */
export function mistakes(run: Run, approach: Approach, filter: MistakeFilter): number[] {
  const others = run.approaches.filter((one) => one !== approach);
  const passes = (row: number) => {
    if (run.right(approach, row)) return false;
    if (filter.label !== undefined && run.labels[row] !== filter.label) return false;
    if (filter.whose === "all") return true;
    const someRight = others.some((one) => run.right(one, row));
    return filter.whose === "alone" ? someRight : !someRight;
  };
  const wrong = rowsIn(run, approach, filter.part, filter.group).filter(passes);
  return bySurprise(wrong, approach);
}

/** The greatest loss first. */
export function bySurprise(rows: number[], approach: Approach): number[] {
  return rows.sort((one, other) => approach.loss(other) - approach.loss(one) || one - other);
}
