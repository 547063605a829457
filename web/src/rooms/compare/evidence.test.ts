import { describe, expect, it } from "vitest";
import { robustnessOf, robustnessRows, corruptions, mean } from "./robustness.ts";
import { belief, byClassFigure, calibrationFigure } from "./calibration.ts";
import type { Schema } from "../../lib/api.ts";
import { learningRows, learningCurves } from "./learning.ts";
import { madeUp } from "./made-up.ts";
import { compared, pairs } from "./pairs.ts";
import { verdictParts, stepLink } from "./verdict.ts";

const run = madeUp();
const older = madeUp();
Object.assign(older.results, { verdict: null, health: null });
older.approaches.forEach((approach) =>
  Object.assign(approach.result, { learning: null, robustness: undefined }),
);

describe("the verdict", () => {
  it("is a paragraph for each question, and next steps", () => {
    expect(verdictParts(run.results)).toEqual({
      found: [
        { about: "which", text: "None is clearly best." },
        { about: "where", text: "All fail on “cloud”." },
      ],
      next: [{ about: "next", text: "Fix the labels.", see: "suspects", name: null }],
    });
  });

  it("says of single answers in a paragraph of its own", () => {
    const sentences = [
      { about: "sure", text: "Expect 90 %.", said: { code: "sure.expect" } },
      { about: "sure", text: "It is sure about half.", said: { code: "sure.often" } },
      {
        about: "sure",
        text: "Other things it calls none of these.",
        said: { code: "sure.others" },
      },
    ];
    const results = { ...run.results, verdict: { sentences } } as Schema["Results"];
    expect(verdictParts(results).found.map(({ text }) => text)).toEqual([
      "Expect 90\u202f%.",
      "It is sure about half. Other things it calls none of these.",
    ]);
  });

  it("is why the winner won in an older run", () => {
    expect(verdictParts(older.results)).toEqual({
      found: [{ about: "which", text: "too close to call" }],
      next: [],
    });
  });

  const step = (see: NonNullable<Schema["Sentence"]["see"]> | null, name: string | null = null) =>
    ({ about: "next", text: "Do so.", see, name }) as const;

  it.each([
    [step("suspects"), "Check 1 label", "data", { view: "labels" }],
    [step("class", "cloud"), "View cloud", "compare", { view: "mistakes", class: "cloud" }],
    [step("group", "chalk"), "View chalk", "compare", { view: "mistakes", group: "chalk" }],
    [step("learning"), "View learning curves", "compare", { view: "learning" }],
    [step("robustness"), "View robustness", "compare", { view: "robustness" }],
  ])("has a link for %o", (one, text, room, query) => {
    expect(stepLink(run, one, true)).toEqual({ text, room, query });
  });

  it("has links only to what exists", () => {
    expect(stepLink(run, step(null), true)).toBeNull();
    expect(stepLink(older, step("suspects"), true)).toBeNull();
    expect(stepLink(run, step("suspects"), false)).toBeNull();
  });
});

describe("pairs", () => {
  it("stand together, out of fold and on the test, whichever was named first", () => {
    expect(pairs(run).map((pair) => pair.map(({ part, one }) => [part, one.a]))).toEqual([
      [
        ["out of fold", "cnn"],
        ["test", "vit"],
      ],
    ]);
    const [cnn, vit] = run.approaches;
    expect(compared(run, vit!, cnn!, "out of fold")?.only_a).toBe(2);
    expect(compared(run, cnn!, vit!, "test")?.a).toBe("vit");
  });

  it("without folds are those of the test", () => {
    const tested = madeUp();
    tested.approaches.forEach((approach) => Object.assign(approach.result, { out_of_fold: null }));
    expect(pairs(tested).map((pair) => pair.map(({ part, one }) => [part, one.a]))).toEqual([
      [["test", "cnn"]],
    ]);
  });

  it("are fewer in an older run", () => {
    const some = madeUp();
    Object.assign(some.results, { test_comparison: undefined });
    expect(pairs(some)[0]).toHaveLength(1);
  });
});

describe("calibration", () => {
  const scores = run.approaches[0]!.result.out_of_fold!;

  it("within chance", () => {
    expect(calibrationFigure(scores)).toEqual({
      name: "Confidence off by",
      value: "10.0 points",
      notes: ["95 % interval 5.0–20.0", "by chance up to 20.0"],
    });
  });

  it.each([
    [0.9, "overconfident"],
    [0.2, "underconfident"],
    [scores.accuracy, "over- and underconfident in places"],
  ])("beyond chance, with confidence %s", (confidence, words) => {
    const reliability = [{ ...scores.reliability[0]!, confidence }];
    const { notes } = calibrationFigure({ ...scores, calibration_null_level: 0.01, reliability });
    expect(notes.slice(1)).toEqual(["by chance up to 1.0", words]);
  });

  it("of an older run is a number", () => {
    const { calibration_interval: _, calibration_null_level: __, ...old } = scores;
    expect(calibrationFigure(old)).toMatchObject({ value: "10.0 points", notes: [] });
  });

  it("of classes", () => {
    const per_class = scores.per_class.map((one, n) => ({ ...one, calibration_error: 0.02 * n }));
    const found = byClassFigure({ ...scores, per_class, classwise_null_level: 0.015 });
    const [mean, worst] = [per_class.length - 1, 2 * (per_class.length - 1)];
    expect(found?.value).toBe(`${mean.toFixed(1)} points`);
    const most = `most for ${per_class.at(-1)!.name}: ${worst.toFixed(1)}`;
    expect(found?.notes).toEqual(["by chance up to 1.5", most]);
    expect(byClassFigure(scores)).toBeNull();
  });

  it("of a group", () => {
    expect(belief(0.9, [0.7, 0.8])).toBe("overconfident");
    expect(belief(0.6, [0.7, 0.8])).toBe("underconfident");
    expect(belief(0.75, [0.7, 0.8])).toBe("fair");
  });
});

describe("learning curves", () => {
  it("are those that were measured, also as rows", () => {
    expect(learningCurves(older)).toEqual([]);
    const rows = learningRows(learningCurves(run));
    expect(rows).toHaveLength(1 + 2 * 4);
    expect(rows[1]).toEqual(["cnn", "measured", 2, 0.4, 0.2, 0.6, 2]);
    expect(rows[4]).toEqual(["cnn", "forecast", 12, 0.7, 0.5, 0.8, ""]);
  });
});

describe("robustness", () => {
  const known = robustnessOf(run);

  it("has the approaches side by side for every corruption", () => {
    expect(robustnessOf(older)).toEqual([]);
    const [turned, ...others] = corruptions(known);
    expect(others).toEqual([]);
    expect(turned!.title).toBe("Turned");
    expect(turned!.lines.map((line) => line.values)).toEqual([
      [0.6, 0.5, 0.3],
      [0.6, 0.5, 0.3 - 0.1],
    ]);
    expect(mean([0.5, 0.3])).toBeCloseTo(0.4);
  });

  it("can be downloaded", () => {
    const rows = robustnessRows(known);
    expect(rows[0]).toEqual(["approach", "corruption", "strength", "amount", "accuracy"]);
    expect(rows[2]).toEqual(["cnn", "turn", 2, "6°", "0.3000"]);
    expect(rows).toHaveLength(1 + 2 * 2);
  });
});
