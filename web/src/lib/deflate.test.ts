import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { deflated } from "./deflate.ts";

function same(data: Uint8Array, line: number): number {
  const packed = deflated(data, line);
  expect(Buffer.compare(inflateSync(packed), data)).toBe(0);
  return packed.length;
}

/** Bytes that repeat themselves on every run of the test. */
function noise(length: number, values: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % values;
  });
}

test("zlib reads what was packed, whatever it is", () => {
  for (let length = 0; length < 20; length++) same(noise(length, 3), 4);
  for (const values of [1, 2, 3, 256]) {
    for (const line of [1, 2, 5, 197, 4096, 40_000]) same(noise(50_000, values), line);
  }
});

test("every length and distance of a copy", () => {
  for (let length = 1; length <= 600; length++) {
    same(Uint8Array.from([...noise(600, 256), ...noise(600, 256).subarray(0, length)]), 600);
  }
  for (let line = 1; line <= 32_768; line = Math.ceil(line * 1.17)) {
    same(Uint8Array.from([...noise(line, 256), ...noise(line, 256).subarray(0, 9)]), line);
  }
});

test("a drawing is small", () => {
  const line = 197;
  const data = new Uint8Array(line * 196).fill(255);
  for (let y = 0; y < 196; y++) {
    data[y * line] = 0;
    if (y > 40 && y < 150) data.fill(0, y * line + y, y * line + y + 9);
  }
  expect(same(data, line)).toBeLessThan(3_000);
});
