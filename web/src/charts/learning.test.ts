import { expect, it } from "vitest";
import { apart, fan, last, law, line, shares, sizes, type LearningCurve } from "./learning.ts";

const curve: LearningCurve = {
  points: [
    { pictures: 100, accuracy: 0.8, interval: [0.7, 0.9], fits: 5 },
    { pictures: 400, accuracy: 0.86, interval: [0.8, 0.9], fits: 5 },
  ],
  floor: 0.1,
  scale: 1,
  exponent: 0.5,
  forecasts: [
    { times: 2, pictures: 800, accuracy: 0.87, interval: [0.84, 0.89] },
    { times: 4, pictures: 1600, accuracy: 0.88, interval: [0.83, 0.95] },
  ],
  words: "",
};

it("follows the law, and stays a share", () => {
  expect(law(curve, 100)).toBeCloseTo(0.8);
  expect(law(curve, 400)).toBeCloseTo(0.85);
  expect(law({ ...curve, scale: 100 }, 4)).toBe(0);
});

it("draws it at equal factors, and not at all where there is none", () => {
  const drawn = line(curve, 100, 400);
  expect(drawn[0]![0]).toBe(100);
  expect(drawn[20]![0]).toBeCloseTo(200);
  expect(drawn.at(-1)).toEqual([400, law(curve, 400)]);
  expect(line(curve, 400, 400)).toEqual([]);
  expect(line({ ...curve, scale: 0 }, 100, 400)).toEqual([]);
});

it("leads the forecasts in at the end of what was measured", () => {
  expect(last(curve)).toBe(400);
  const [first, ...others] = fan(curve);
  expect(first!.pictures).toBe(400);
  expect(first!.interval).toEqual([first!.accuracy, first!.accuracy]);
  expect(others).toEqual(curve.forecasts);
});

it("has axes that hold several curves", () => {
  const other = { ...curve, points: [{ ...curve.points[0]!, pictures: 50 }], forecasts: [] };
  expect(sizes([curve, other])).toEqual([50, 100, 400, 800, 1600]);
  const [low, high] = shares([curve, other]);
  expect(low).toBeLessThan(0.7);
  expect(high).toBeGreaterThan(0.95);
});

it("writes only numbers that stand apart, the last always", () => {
  expect(apart([0, 30, 50, 100], 40)).toEqual([0, 50, 100]);
  expect(apart([0, 30, 100], 40)).toEqual([30, 100]);
  expect(apart([], 40)).toEqual([]);
});
