import { expect, test } from "vitest";
import { fitted, shrunk } from "./average.ts";
import type { Pixels } from "./pixels.ts";

/** 23×17 pixels in colour, from whole numbers that Python computes too. */
function made(): Pixels {
  const data = new Uint8Array(23 * 17 * 3);
  for (let y = 0, to = 0; y < 17; y++) {
    for (let x = 0; x < 23; x++) {
      for (let c = 0; c < 3; c++) data[to++] = y * y * 31 + x * x * 17 + x * y * 7 + c * 83;
    }
  }
  return { width: 23, height: 17, channels: 3, data };
}

test("the average is Pillow's box filter, to the bit", () => {
  const small = shrunk(made(), 5);
  expect([small.width, small.height, small.channels]).toEqual([5, 4, 3]);
  expect([...small.data]).toEqual([
    104, 136, 142, 133, 136, 139, 101, 145, 100, 105, 140, 127, 125, 132, 151, 115, 126, 117, 143,
    123, 104, 116, 138, 139, 162, 130, 123, 117, 129, 140, 122, 128, 121, 130, 85, 152, 161, 103,
    135, 126, 113, 148, 113, 157, 138, 129, 110, 141, 132, 119, 138, 152, 106, 151, 108, 127, 114,
    86, 131, 150,
  ]);
  expect([...shrunk(made(), 9).data.slice(-6)]).toEqual([54, 137, 156, 90, 131, 129]);
});

test("what is small enough stays as it is", () => {
  const picture = made();
  expect(shrunk(picture, 23)).toBe(picture);
});

test("a line of pixels stays a line", () => {
  const data = Uint8Array.from({ length: 1000 }, (_, n) => n % 251);
  const line = shrunk({ width: 1000, height: 1, channels: 1, data }, 10);
  expect([line.width, line.height]).toEqual([10, 1]);
  expect(line.data[0]).toBe(49); // the mean of 0…99, 49.5, with a weight just below a hundredth
});

test("sizes are rounded as in Python: halves to the even number", () => {
  expect(fitted(1024, 512, 512)).toEqual([512, 256]);
  expect(fitted(300, 200, 512)).toEqual([300, 200]);
  expect(fitted(9000, 1, 512)).toEqual([512, 1]);
  expect(fitted(1024, 5, 512)).toEqual([512, 2]); // 2.5
  expect(fitted(1024, 7, 512)).toEqual([512, 4]); // 3.5
});
