import { expect, it } from "vitest";
import { seriesOf } from "./series.ts";

it("gives an approach the same number in every run", () => {
  expect(seriesOf(["cnn", "vit"])).toEqual([2, 3]);
  expect(seriesOf(["vit", "scattering", "cnn"])).toEqual([3, 0, 2]);
});

it("gives others what is free", () => {
  expect(seriesOf(["mine", "cnn", "yours"])).toEqual([5, 2, 0]);
  expect(seriesOf(["cnn", "cnn"])).toEqual([2, 5]); // of two runs
});

it("gives everyone a number of their own", () => {
  const many = ["scattering", "baseline", "cnn", "vit", "transfer", "a", "b", "c"];
  expect(new Set(seriesOf(many)).size).toBe(many.length);
});
