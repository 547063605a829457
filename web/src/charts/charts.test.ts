import { describe, expect, it } from "vitest";
import { domains, epochs, mean, points, type EpochRecord } from "./curves.ts";
import { logTicks, shareDomain, shareTicks, tickText } from "./scales.ts";
import { along, axisOf } from "./whiskers.ts";

function epoch(number: number, loss: number, accuracy: number | null = 0.5): EpochRecord {
  return {
    epoch: number,
    learning_rate: 0.1,
    train_loss: loss,
    train_accuracy: 0.5,
    validation_loss: loss,
    validation_accuracy: accuracy,
    seconds: 1,
  };
}

describe("curves", () => {
  const fits = [
    { name: "fold 1", curve: [epoch(1, 2), epoch(2, 1), epoch(3, 0.5)] },
    { name: "fold 2", curve: [epoch(1, 4), epoch(2, NaN), epoch(3, 1.5)] },
    { name: "fold 3", curve: [epoch(1, 3), epoch(2, 2)] },
  ];

  it("leave out what is no number", () => {
    expect(points(fits[1]!, "train_loss")).toEqual([
      [1, 4],
      [3, 1.5],
    ]);
    expect(points({ name: "", curve: [epoch(1, 1, null)] }, "validation_accuracy")).toEqual([]);
  });

  it("have a mean as long as all of them go on", () => {
    expect(mean(fits.map((fit) => points(fit, "train_loss")))).toEqual([[1, 3]]);
    expect(mean([])).toEqual([]);
  });

  it("share axes that hold them all", () => {
    const { loss, accuracy } = domains(fits);
    expect(loss[0]).toBeLessThan(0.5);
    expect(loss[1]).toBeGreaterThan(4);
    expect(accuracy[0]).toBeLessThan(0.5);
  });

  it("have axes before the first epoch", () => {
    expect(domains([]).loss[0]).toBeGreaterThan(0);
    expect(epochs([])).toEqual([1, 2]);
    expect(epochs(fits)).toEqual([1, 3]);
    expect(epochs(fits, 20)).toEqual([1, 20]);
  });
});

describe("scales", () => {
  it("give a range of shares some room, within 0 to 1", () => {
    expect(shareDomain([1, 1])).toEqual([1 - 0.003, 1]);
    expect(shareDomain([])).toEqual([0, 1]);
  });

  it("have round numbers, not more than fit", () => {
    expect(shareTicks([0.88, 1])).toEqual([0.9, 0.95, 1]);
    for (const low of [0, 0.3, 0.77, 0.9, 0.994]) {
      expect(shareTicks([low, 1], 4).length).toBeLessThanOrEqual(4);
    }
    expect([0.95, 0.975, 0.1 + 0.2].map(tickText)).toEqual(["95", "97.5", "30"]);
  });

  it("thin out on an axis of logarithms", () => {
    expect(logTicks([0.4, 3])).toEqual([0.5, 1, 2]);
    expect(logTicks([0.004, 3])).toEqual([0.01, 0.1, 1]);
  });

  it("keep what lies outside at the edge", () => {
    const axis = axisOf([{ number: 0, label: "", value: 0.9, interval: [0.8, 1] }]);
    expect(along(axis, 1)).toBe(100);
    expect(along(axis, 0)).toBe(0);
  });
});
