import { expect, test } from "vitest";
import { heat } from "./heat.ts";

function white(width: number, height: number): Uint8ClampedArray {
  return new Uint8ClampedArray(4 * width * height).fill(255);
}

test("parts for the answer are orange, parts against it blue, others pale", () => {
  const pixels = white(3, 1);
  heat(pixels, 3, 1, [[0.5, 0, -0.5]]);
  const [helped, nothing, hurt] = [0, 4, 8].map((at) => [...pixels.slice(at, at + 4)]);
  expect(nothing).toEqual([243, 243, 243, 255]);
  expect(helped![0]).toBeGreaterThan(helped![2]!);
  expect(hurt![2]).toBeGreaterThan(hurt![0]!);
});

test("a tiny drop is not worth full colour", () => {
  const pixels = white(1, 1);
  heat(pixels, 1, 1, [[0.002]]);
  expect(Math.abs(pixels[0]! - pixels[2]!)).toBeLessThan(25);
});

test("cells run smoothly into each other", () => {
  const pixels = white(4, 2);
  heat(pixels, 4, 2, [[0, 1]]);
  const blues = [0, 1, 2, 3].map((x) => pixels[4 * x + 2]!);
  expect([...blues].sort((a, b) => b - a)).toEqual(blues);
  expect(new Set(blues).size).toBeGreaterThan(2);
});
