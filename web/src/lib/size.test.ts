import { describe, expect, it } from "vitest";
import { fromPng, fromTiff } from "./deep.ts";
import { TooLarge } from "./size.ts";

// Headers alone: unpacking them would raise another error.
function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(33);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  bytes.set([8, 0], 24);
  return bytes;
}

function tiff(width: number, height: number): Uint8Array<ArrayBuffer> {
  const fields = [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [277, 1],
  ];
  const bytes = new Uint8Array(8 + 2 + 12 * fields.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4d, 0x4d, 0, 42, 0, 0, 0, 8]);
  view.setUint16(8, fields.length);
  fields.forEach(([tag, value], n) => {
    view.setUint16(10 + 12 * n, tag!);
    view.setUint16(12 + 12 * n, 4);
    view.setUint32(14 + 12 * n, 1);
    view.setUint32(18 + 12 * n, value!);
  });
  return bytes;
}

describe.each([
  { format: "PNG", read: fromPng, made: png },
  { format: "TIFF", read: fromTiff, made: tiff },
])("a $format", ({ read, made }) => {
  it("of more than 50 million pixels is refused before it is unpacked", () => {
    expect(() => read(made(10_000, 5_001))).toThrow(TooLarge);
  });

  it("of 50 million pixels is not", () => {
    expect(() => read(made(10_000, 5_000))).toThrow();
    expect(() => read(made(10_000, 5_000))).not.toThrow(TooLarge);
  });
});
