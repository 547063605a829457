import { expect, test } from "vitest";
import { curveOf, step, type Step } from "./spent.ts";

const law = { floor: 0.1, scale: 2, exponent: 0.5, forecasts: [], words: "", points: [] };

function run(pictures: number, accuracy: number, learning: unknown = null): Step {
  return { run: `r${pictures}`, pictures, accuracy, interval: [0.5, 1], learning } as Step;
}

test("the runs are the points, and the first of them forecasts", () => {
  const curve = curveOf([run(40, 0.9, { ...law, floor: 0.3 }), run(20, 0.8, law)])!;
  expect(curve.points.map((one) => [one.pictures, one.accuracy])).toEqual([
    [20, 0.8],
    [40, 0.9],
  ]);
  expect(curve.floor).toBe(0.1);
});

test("without a forecast there is no line", () => {
  expect(curveOf([run(20, 0.8)])!.scale).toBe(0);
  expect(curveOf([])).toBeNull();
});

test("the best approach stands for a run", () => {
  const score = (accuracy: number) => ({ accuracy, interval: [0.4, 0.9] });
  const results = {
    dataset: { pictures: 30 },
    approaches: [
      { out_of_fold: score(0.7), learning: null },
      { out_of_fold: score(0.8), learning: law },
      { out_of_fold: null },
    ],
  };
  const found = step("r", results as never)!;
  expect([found.pictures, found.accuracy, found.learning]).toEqual([30, 0.8, law]);
  expect(step("r", { dataset: { pictures: 3 }, approaches: [] } as never)).toBeNull();
});
