import { describe, expect, it } from "vitest";
import { measureAxis, measureScale } from "./measures.ts";
import {
  passes,
  rangesIn,
  rangesText,
  scoreAxis,
  settingAxis,
  shortened,
  twoLines,
  withRange,
} from "./parallel.ts";

const plain = { log: false, whole: false, default: null };

describe("an axis of a setting", () => {
  it("has its choices at equal distances, including unlisted values", () => {
    const axis = settingAxis("filters", { ...plain, choices: [[16, 32], null] }, [null, [8]]);
    expect(axis.ticks.map((one) => one.text)).toEqual(["16, 32", "auto", "8"]);
    expect(axis.place([16, 32])).toBeCloseTo(1 / 6);
    expect(axis.place(null)).toBeCloseTo(0.5);
    expect(axis.place([9])).toBeNull();
    expect(axis.place(undefined)).toBeNull();
    expect([0, 0.5, 1].map(axis.read)).toEqual(["16, 32", "auto", "8"]);
  });

  it("is one of logarithms where the search was", () => {
    const axis = settingAxis("rate", { ...plain, low: 0.001, high: 0.1, log: true }, [0.01]);
    expect(axis.place(0.01)).toBeCloseTo(0.5);
    expect(axis.place("none")).toBeNull();
    expect(axis.place(null)).toBeNull();
    expect(axis.ticks.length).toBeGreaterThan(2);
    expect(axis.read(0.5)).toBe("0.01");
  });

  it("keeps a place for what was left to the pictures", () => {
    const axis = settingAxis("epochs", { ...plain, low: 10, high: 60, whole: true }, [null, 20]);
    expect(axis.ticks[0]).toEqual({ at: 0, text: "auto" });
    expect(axis.place(null)).toBe(0);
    expect(axis.place(10)).toBeCloseTo(0.1);
    expect(axis.place(60)).toBe(1);
    expect([0, 0.1, 1].map(axis.read)).toEqual(["auto", "10", "60"]);
    expect(
      axis.ticks.every((one) => one.text === "auto" || Number.isInteger(Number(one.text))),
    ).toBe(true);
  });

  it("reaches as far as what was tried", () => {
    const axis = settingAxis("dropout", { ...plain, low: 0, high: 0.5 }, [0.8]);
    expect(axis.place(0.8)).toBe(1);
    const narrow = settingAxis("rate", { ...plain, low: 0.011, high: 0.013, log: true }, []);
    expect(narrow.ticks.map((one) => one.text)).toEqual(["0.011", "0.013"]);
  });
});

describe("an axis of scores", () => {
  it("has the better end on top", () => {
    const loss = measureAxis([0.1, 0.4], { title: "Loss", share: false, text: String });
    const axis = scoreAxis(loss, "least", (value) => value.toFixed(1));
    expect(axis.place(0.1)!).toBeGreaterThan(axis.place(0.4)!);
    expect(axis.place(null)).toBeNull();
    expect(axis.read(axis.place(0.2)!)).toBe("0.2");
    const share = measureAxis([0.9, 0.95], { title: "Accuracy", share: true, text: String });
    expect(share.ticks.at(-1)!.text).toMatch(/\d\u202f%$/);
    const up = scoreAxis(share, "most", String);
    expect(up.place(0.95)!).toBeGreaterThan(up.place(0.9)!);
  });

  it("is plain where something is nought, and never empty", () => {
    const options = { title: "", share: false, text: String };
    const axis = measureAxis([0, 10], options);
    expect(axis.log).toBe(false);
    expect(measureScale(axis, [0, 100])(0)).toBe(0);
    for (const values of [[], [0], [0.3], [1e5, 9e5]]) {
      const { domain, ticks } = measureAxis(values, options);
      expect(domain[1]).toBeGreaterThan(domain[0]);
      expect(ticks.length).toBeGreaterThan(0);
    }
  });
});

describe("ranges", () => {
  const axes = [
    settingAxis("a b", { ...plain, low: 0, high: 1 }, []),
    settingAxis("c", { ...plain, low: 0, high: 1 }, []),
  ];
  const line = (...places: (number | null)[]) => ({ number: 1, places, worth: 1, label: "" });

  it("keep what passes all of them", () => {
    const ranges = { c: [0.2, 0.4] as const };
    expect(passes(axes, ranges, line(0.9, 0.3))).toBe(true);
    expect(passes(axes, ranges, line(0.9, 0.5))).toBe(false);
    expect(passes(axes, ranges, line(0.9, null))).toBe(true);
    expect(passes(axes, {}, line(0))).toBe(true);
  });

  it("are set and cleared", () => {
    const one = withRange({}, "c", 0.8, 0.2);
    expect(one).toEqual({ c: [0.2, 0.8] });
    expect(withRange(one, "c", -1, 2)).toEqual({});
  });

  it("stand in the address, and nothing else of it counts", () => {
    const ranges = { c: [0.25, 1 / 3] as const };
    expect(rangesText(ranges)).toBe("c~0.25~0.333");
    expect(rangesIn("c~0.25~0.333", axes)).toEqual({ c: [0.25, 0.333] });
    expect(rangesIn("c~1~0 d~0~1 c~x~1 c~0", axes)).toEqual({});
    expect(rangesIn(undefined, axes)).toEqual({});
  });
});

it("breaks names where their words meet, and shortens what does not fit", () => {
  expect(twoLines("dropout", 10)).toEqual(["dropout"]);
  expect(twoLines("learning_rate", 10)).toEqual(["learning_", "rate"]);
  expect(twoLines("attention_dropout_share", 10)).toEqual(["attention_", "dropout_s…"]);
  expect(twoLines("incomprehensible", 10)).toEqual(["incompreh…"]);
  expect(shortened("32, 64", 4)).toBe("32,…");
});
