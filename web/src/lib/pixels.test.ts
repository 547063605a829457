import { expect, test } from "vitest";
import { fitted, fromRgba } from "./pixels.ts";

test("grey pictures have one channel", () => {
  const grey = fromRgba(new Uint8ClampedArray([7, 7, 7, 255, 200, 201, 200, 255]), 2, 1);
  expect([grey.channels, ...grey.data]).toEqual([1, 7, 201]);
  const colour = fromRgba(new Uint8ClampedArray([7, 7, 7, 255, 200, 210, 200, 255]), 2, 1);
  expect([colour.channels, ...colour.data]).toEqual([3, 7, 7, 7, 200, 210, 200]);
});

test("what is too large keeps its shape", () => {
  expect(fitted(1024, 512, 512)).toEqual([512, 256]);
  expect(fitted(300, 200, 512)).toEqual([300, 200]);
  expect(fitted(9000, 1, 512)).toEqual([512, 1]);
});
