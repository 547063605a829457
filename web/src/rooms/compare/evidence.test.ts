import { describe, expect, it } from "vitest";
import { robustnessOf, robustnessRows, changes, mean } from "./robustness.ts";
import { belief, calibrationWords } from "./calibrated.ts";
import type { Schema } from "../../lib/api.ts";
import { learningRows, learnt } from "./learnt.ts";
import { madeUp } from "./made-up.ts";
import { compared, pairs } from "./pairs.ts";
import { told, wayOf } from "./steps.ts";

const run = madeUp();
const older = madeUp();
Object.assign(older.results, { verdict: null, health: null });
older.approaches.forEach((one) =>
  Object.assign(one.result, { learning: null, robustness: undefined }),
);

describe("the verdict", () => {
  it("is a paragraph for each question, and what to do next", () => {
    expect(told(run.results)).toEqual({
      found: [
        { about: "which", text: "None stands out." },
        { about: "where", text: "All fail on “cloud”." },
      ],
      next: [{ about: "next", text: "Mend the labels.", see: "suspects", name: null }],
    });
  });

  it("is why the winner won in an older run", () => {
    expect(told(older.results)).toEqual({
      found: [{ about: "which", text: "too close to call" }],
      next: [],
    });
  });

  const step = (see: NonNullable<Schema["Sentence"]["see"]> | null, name: string | null = null) =>
    ({ about: "next", text: "Do so.", see, name }) as const;

  it.each([
    [step("suspects"), "See 1 label", "data", { view: "look" }],
    [step("class", "cloud"), "See cloud", "compare", { view: "mistakes", class: "cloud" }],
    [step("group", "chalk"), "See chalk", "compare", { view: "mistakes", group: "chalk" }],
    [step("learning"), "See the learning curve", "compare", { view: "learning" }],
    [step("robustness"), "See what throws it off", "compare", { view: "robustness" }],
  ])("leads from %o", (one, text, room, query) => {
    expect(wayOf(run, one, true)).toEqual({ text, room, query });
  });

  it("leads only to what there is", () => {
    expect(wayOf(run, step(null), true)).toBeNull();
    expect(wayOf(older, step("suspects"), true)).toBeNull();
    expect(wayOf(run, step("suspects"), false)).toBeNull();
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
    tested.approaches.forEach((one) => Object.assign(one.result, { out_of_fold: null }));
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

  it("within what luck gives", () => {
    expect(calibrationWords(scores).join(" ")).toMatch(
      /^Calibration error 10.0.% \(95 % interval 5.0–20.0.%\)\. That is within what luck/,
    );
  });

  it.each([
    [0.9, "too sure of itself"],
    [0.2, "too modest"],
    [scores.accuracy, "here too sure and there too modest"],
  ])("beyond it, stating %s", (confidence, words) => {
    const reliability = [{ ...scores.reliability[0]!, confidence }];
    const told = calibrationWords({ ...scores, calibration_null_level: 0.01, reliability });
    expect(told[1]).toContain(`It is ${words}.`);
  });

  it("of an older run is a number", () => {
    const { calibration_interval: _, calibration_null_level: __, ...old } = scores;
    expect(calibrationWords(old)).toEqual(["Calibration error 10.0\u202f%."]);
  });

  it("of a group", () => {
    expect(belief(0.9, [0.7, 0.8])).toBe("too sure");
    expect(belief(0.6, [0.7, 0.8])).toBe("too modest");
    expect(belief(0.75, [0.7, 0.8])).toBe("fair");
  });
});

describe("learning curves", () => {
  it("are those that were asked for, as rows too", () => {
    expect(learnt(older)).toEqual([]);
    const rows = learningRows(learnt(run));
    expect(rows).toHaveLength(1 + 2 * 4);
    expect(rows[1]).toEqual(["cnn", "measured", 2, 0.4, 0.2, 0.6, 2]);
    expect(rows[4]).toEqual(["cnn", "forecast", 12, 0.7, 0.5, 0.8, ""]);
  });
});

describe("robustness", () => {
  const known = robustnessOf(run);

  it("has the approaches side by side for every change", () => {
    expect(robustnessOf(older)).toEqual([]);
    const [turned, ...others] = changes(known);
    expect(others).toEqual([]);
    expect(turned!.title).toBe("Turned");
    expect(turned!.lines.map((one) => one.values)).toEqual([
      [0.6, 0.5, 0.3],
      [0.6, 0.5, 0.3 - 0.1],
    ]);
    expect(mean([0.5, 0.3])).toBeCloseTo(0.4);
  });

  it("can be taken away", () => {
    const rows = robustnessRows(known);
    expect(rows[0]).toEqual(["approach", "corruption", "strength", "amount", "accuracy"]);
    expect(rows[2]).toEqual(["cnn", "turn", 2, "6°", "0.3000"]);
    expect(rows).toHaveLength(1 + 2 * 2);
  });
});
