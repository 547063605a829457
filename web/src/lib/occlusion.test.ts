import { expect, test } from "vitest";
import { borderColour, covered, gridOf } from "./occlusion.ts";
import type { Pixels } from "./pixels.ts";

test("square cells, the last ones cut", () => {
  expect(gridOf({ width: 28, height: 28 })).toEqual({ rows: 14, columns: 14, cell: 2 });
  expect(gridOf({ width: 30, height: 15 })).toEqual({ rows: 5, columns: 10, cell: 3 });
  expect(gridOf({ width: 8, height: 8 })).toEqual({ rows: 8, columns: 8, cell: 1 });
});

test("a cover reaches one cell beyond its own on every side", () => {
  const picture: Pixels = { width: 5, height: 5, channels: 1, data: new Uint8Array(25).fill(200) };
  picture.data[12] = 0;
  const copies = [...covered(picture)];
  expect(copies).toHaveLength(25);
  const hidden = copies.map((copy) => copy[12] === 200);
  // The nine cells around the middle one hide it.
  expect(hidden.flatMap((one, at) => (one ? [at] : []))).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
  expect(picture.data[12]).toBe(0);
});

test("paper is the median of the border, as NumPy rounds it to bytes", () => {
  const data = new Uint8Array([10, 1, 20, 1, 11, 1, 20, 1]);
  const picture = { width: 2, height: 2, channels: 1, data: data.slice(0, 4) } as Pixels;
  picture.data.set([10, 11, 10, 11]);
  expect(borderColour(picture)).toEqual([10]);
  const white: Pixels = { width: 2, height: 2, channels: 3, data: new Uint8Array(12).fill(9) };
  expect(borderColour(white)).toEqual([9, 9, 9]);
});
