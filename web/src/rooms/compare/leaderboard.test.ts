import { expect, it } from "vitest";
import type { Approach } from "../../lib/run.ts";
import { breakdown, hardest } from "./breakdown.ts";
import { bestOf, columns, otherMetrics, ranks, sorted } from "./leaderboard.ts";
import { madeUp } from "./made-up.ts";

const run = madeUp();
const names = (some: readonly Approach[]) => some.map((one) => one.name);
const column = (key: string) => columns(1, true, "Out of fold").find((one) => one.key === key)!;

it("puts the best first, whichever end that is", () => {
  expect(names(sorted(run.approaches, column("accuracy")))).toEqual(["cnn", "vit"]);
  expect(names(sorted(run.approaches, column("training")))).toEqual(["vit", "cnn"]);
  expect(bestOf(run.approaches, column("training"))).toBe(14);
});

it("calls nothing best where all are equal", () => {
  expect(bestOf(run.approaches, column("memory"))).toBeNull();
});

it("puts what is not known last", () => {
  const other = madeUp();
  Object.assign(other.approaches[0]!.result, { test: null });
  expect(names(sorted(other.approaches, column("test")))).toEqual(["vit", "cnn"]);
});

it("lets equals share a rank, and gives none without scores", () => {
  const other = madeUp();
  Object.assign(other.approaches[1]!.result, {
    out_of_fold: other.approaches[0]!.result.out_of_fold,
  });
  expect([...ranks(other.approaches).values()]).toEqual([1, 1]);
  Object.assign(other.approaches[1]!.result, { out_of_fold: null, test: null });
  expect([...ranks(other.approaches).values()]).toEqual([1, null]);
});

it("has a row for every class with pictures, and the hardest first", () => {
  const rows = breakdown(run.ranked, "out of fold", "per_class");
  expect(rows.map((row) => [row.name, row.pictures, row.accuracies])).toEqual([
    ["arrow", 2, [0.5, 1]],
    ["bolt", 2, [1, 0.5]],
    ["cloud", 2, [0.5, 0]],
  ]);
  expect(hardest(rows)[0]!.name).toBe("cloud");
  // No cloud is in the locked test.
  expect(breakdown(run.ranked, "test", "per_class").map((row) => row.name)).toEqual([
    "arrow",
    "bolt",
  ]);
  expect(breakdown(run.ranked, "test", "per_group")).toEqual([]);
});

it("has a column for every metric of the run", () => {
  const other = madeUp();
  expect(otherMetrics(other.approaches)).toEqual([]);
  const metrics = [
    { accuracy: 0.9, macro_f1: 0.8, brier_error: 0.2 },
    { accuracy: 0.9, macro_f1: 0.7, brier_error: 1.5 },
  ];
  other.approaches.forEach((one, n) => Object.assign(one.scores!, { metrics: metrics[n] }));
  const found = otherMetrics(other.approaches);
  expect(found).toEqual(["macro_f1", "brier_error"]);
  const [f1, brier] = columns(1, true, "Out of fold", found).filter((one) =>
    found.includes(one.key),
  );
  expect([f1!.title, brier!.title]).toEqual(["Macro F1", "Brier error"]);
  expect(names(sorted(other.approaches, f1!))).toEqual(["cnn", "vit"]);
  expect(names(sorted(other.approaches, brier!))).toEqual(["cnn", "vit"]);
  expect(other.approaches.map((approach) => brier!.text(brier!.value(approach)!))).toEqual([
    "20.0\u202f%",
    "1.500",
  ]);
});
