import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { isZip, unpacked } from "./zip.ts";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);

test("files have their paths and kinds; litter is left out", () => {
  const zip = zipSync({
    "b/2.bin": PNG,
    "a/é.txt": strToU8("words"),
    "__MACOSX/b/._2.bin": PNG,
    ".DS_Store": PNG,
  });
  expect(unpacked(zip).map(({ path, type }) => [path, type])).toEqual([
    ["a/é.txt", ""],
    ["b/2.bin", "image/png"],
  ]);
});

test("a damaged zip, and one that unpacks to too much, are refused", async () => {
  const zip = zipSync({ "a.png": PNG });
  expect(() => unpacked(zip.subarray(0, 40))).toThrow();
  const bomb = zipSync({ a: PNG });
  const view = new DataView(bomb.buffer);
  const entry = bomb.findIndex((_, at) => view.getUint32(at, true) === 0x02014b50);
  view.setUint32(entry + 24, 4_000_000_000, true);
  expect(() => unpacked(bomb)).toThrow("too much");
  expect(await isZip(new Blob([zip]))).toBe(true);
  expect(await isZip(new Blob([PNG]))).toBe(false);
  expect(await isZip(new Blob([]))).toBe(false);
});
