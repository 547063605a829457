/** Encodes pixels as PNG at once. A canvas does it too, but only when the page is idle: tens of
 * milliseconds late during drawing.
 */
import { zlibSync } from "fflate";
import type { Pixels } from "./pixels.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function png(pixels: Pixels): Uint8Array<ArrayBuffer> {
  const { width, height, channels, data } = pixels;
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8); // bits
  head.setUint8(9, channels === 1 ? 0 : 2); // grey, or RGB
  const line = width * channels;
  const lines = new Uint8Array(height * (line + 1)); // each begins with 0: not filtered
  for (let y = 0; y < height; y++) {
    lines.set(data.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  }
  const parts = [
    new Uint8Array(SIGNATURE),
    chunk("IHDR", new Uint8Array(head.buffer)),
    chunk("IDAT", zlibSync(lines, { level: 1 })),
    chunk("IEND", new Uint8Array()),
  ];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A picture that was made here. Its content is at hand: a browser fetches those of other files. */
export class MadeFile extends File {
  constructor(
    readonly content: Uint8Array<ArrayBuffer>,
    name: string,
  ) {
    super([content], name, { type: "image/png" });
  }
}

/** Length, name, data and checksum, as the format defines it. */
function chunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let n = 0; n < 4; n++) bytes[4 + n] = name.charCodeAt(n);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, checksum(bytes.subarray(4, data.length + 8)));
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

/** CRC-32. */
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
