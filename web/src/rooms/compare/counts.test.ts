import { describe, expect, it } from "vitest";
import { confusion, Confusion, mistakes, rowsIn, sides } from "./counts.ts";
import { madeUp } from "./made-up.ts";

const run = madeUp();
const [cnn, vit] = [run.approach("cnn")!, run.approach("vit")!];

describe("confusion", () => {
  it("is what the results say, and the columns say the same", () => {
    for (const one of [cnn, vit]) {
      for (const part of ["out of fold", "test"] as const) {
        const known = confusion(run, one, part).counts;
        const groups = [0, 1].map((group) => confusion(run, one, part, group).counts);
        const sum = known.map((row, i) =>
          row.map((_, j) => groups[0]![i]![j]! + groups[1]![i]![j]!),
        );
        expect(sum).toEqual(known);
      }
    }
  });

  it("has as many pictures behind a cell as its number", () => {
    const counted = confusion(run, vit, "out of fold");
    const rows = rowsIn(run, vit, "out of fold");
    for (const truth of [0, 1, 2]) {
      for (const answer of [0, 1, 2]) {
        const behind = rows.filter(
          (row) => run.labels[row] === truth && vit.answer[row] === answer,
        );
        expect(behind.length).toBe(counted.count(truth, answer));
      }
    }
  });

  it("lists wrong answers, the most frequent first", () => {
    expect(confusion(run, vit, "out of fold").pairs(run.classes)).toEqual([
      { truth: "cloud", answer: "bolt", count: 2, share: 1 },
      { truth: "bolt", answer: "arrow", count: 1, share: 0.5 },
    ]);
  });

  it("has no share of a class without pictures", () => {
    expect(
      new Confusion([
        [0, 0],
        [0, 3],
      ]).share(0, 1),
    ).toBe(0);
  });
});

describe("sides", () => {
  it("counts as the paired test does", () => {
    const { only_a, only_b } = run.results.comparison[0]!;
    const found = sides(run, cnn, vit, "out of fold");
    expect([found.onlyA.length, found.onlyB.length]).toEqual([only_a, only_b]);
    expect(found).toEqual({ both: [0, 2], onlyA: [3, 4], onlyB: [1], neither: [5] });
  });

  it("leaves out pictures that one of them has no answer for", () => {
    const other = madeUp();
    other.approaches[1]!.answer[0] = 65535;
    expect(sides(other, other.approaches[0]!, other.approaches[1]!, "out of fold").both).toEqual([
      2,
    ]);
  });
});

describe("mistakes", () => {
  const of = (filter: object) =>
    mistakes(run, vit, { part: "out of fold", whose: "all", ...filter });

  it("come with the greatest loss first", () => expect(of({})).toEqual([4, 3, 5]));
  it("can be of one class", () => expect(of({ label: 2 })).toEqual([4, 5]));
  it("can be of one group", () => expect(of({ group: 1 })).toEqual([3, 5]));
  it("can be right in others", () => expect(of({ whose: "alone" })).toEqual([4, 3]));
  it("can be wrong in all", () => expect(of({ whose: "shared" })).toEqual([5]));
  it("can be of the locked test", () => {
    expect(of({ part: "test" })).toEqual([]);
    expect(mistakes(run, cnn, { part: "test", whose: "all" })).toEqual([7]);
  });
});
