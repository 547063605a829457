import { crc32, inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Pixels } from "./pixels.ts";
import { png } from "./png.ts";

/** Name and data of every chunk, their checksums verified. */
function chunks(pixels: Pixels): [string, Buffer][] {
  const bytes = Buffer.from(png(pixels));
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  const found: [string, Buffer][] = [];
  for (let at = 8; at < bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at);
    expect(bytes.readUInt32BE(end)).toBe(crc32(bytes.subarray(at + 4, end)));
    found.push([bytes.subarray(at + 4, at + 8).toString(), bytes.subarray(at + 8, end)]);
    at = end + 4;
  }
  return found;
}

test("grey and coloured pixels, line by line", () => {
  const data = new Uint8Array([1, 2, 3, 4, 5, 6]);
  const [head, body, tail] = chunks({ width: 3, height: 2, channels: 1, data });
  expect([head![0], body![0], tail![0]]).toEqual(["IHDR", "IDAT", "IEND"]);
  expect([...head![1]]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
  expect([...inflateSync(body![1])]).toEqual([0, 1, 2, 3, 0, 4, 5, 6]);
  const [colour, pixels] = chunks({ width: 1, height: 2, channels: 3, data });
  expect(colour![1][9]).toBe(2);
  expect([...inflateSync(pixels![1])]).toEqual([0, 1, 2, 3, 0, 4, 5, 6]);
});

test("a drawing is small", () => {
  const side = 196;
  const data = new Uint8Array(side * side).fill(255);
  for (let y = 41; y < 150; y++) data.fill(0, y * side + y, y * side + y + 9);
  const [, body] = chunks({ width: side, height: side, channels: 1, data });
  expect(inflateSync(body![1]).length).toBe(side * (side + 1));
  expect(body![1].length).toBeLessThan(3_000);
});
