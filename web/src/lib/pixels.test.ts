import { expect, test } from "vitest";
import { compact, fromRgba, onWhite, turned, type Pixels } from "./pixels.ts";

test("grey pictures have one channel", () => {
  const grey = fromRgba(new Uint8ClampedArray([7, 7, 7, 255, 200, 201, 200, 255]), 2, 1);
  expect([grey.channels, ...grey.data]).toEqual([1, 7, 201]);
  const colour = fromRgba(new Uint8ClampedArray([7, 7, 7, 255, 200, 210, 200, 255]), 2, 1);
  expect([colour.channels, ...colour.data]).toEqual([3, 7, 7, 7, 200, 210, 200]);
  expect(compact(grey)).toBe(grey);
});

test("transparency becomes white paper", () => {
  expect([onWhite(0, 255), onWhite(0, 0), onWhite(90, 0), onWhite(255, 7)]).toEqual([
    0, 255, 255, 255,
  ]);
  // As Pillow's alpha_composite rounds them.
  expect([onWhite(0, 128), onWhite(77, 91), onWhite(200, 3)]).toEqual([127, 191, 254]);
});

test("all eight orientations of EXIF stand upright", () => {
  const lying: Pixels = {
    width: 3,
    height: 2,
    channels: 1,
    data: new Uint8Array([1, 2, 3, 4, 5, 6]),
  };
  const upright = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => {
    const { width, height, data } = turned(lying, orientation);
    return `${width}×${height}: ${data.join("")}`;
  });
  // As Pillow's transpose.
  expect(upright).toEqual([
    "3×2: 123456",
    "3×2: 321654",
    "3×2: 654321",
    "3×2: 456123",
    "2×3: 142536",
    "2×3: 415263",
    "2×3: 635241",
    "2×3: 362514",
  ]);
  expect(turned(lying, 9)).toBe(lying);
});
