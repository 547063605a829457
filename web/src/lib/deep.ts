/** Decodes PNG and TIFF to the bytes that the server reads.
 *
 * Browsers differ in PNGs of 16 bits and in soft transparency (by up to 3 of 255), and none reads
 * TIFF.
 */
import { decode as decodePng } from "fast-png";
import { rounded } from "./average.ts";
import { onWhite, turned, type Pixels } from "./pixels.ts";
import { checkSize } from "./size.ts";
import { firstPage } from "./tiff.ts";

/** A picture as a file stores it: one to four values per pixel. */
interface Stored {
  width: number;
  height: number;
  /** 1 grey, 2 with alpha, 3 RGB, 4 with alpha. */
  channels: number;
  data: ArrayLike<number>;
  depth: number;
  /** The colour that stands for clear, if any. */
  clear?: ArrayLike<number> | undefined;
}

export function fromPng(bytes: Uint8Array<ArrayBuffer>): Pixels {
  const header = new DataView(bytes.buffer, bytes.byteOffset);
  checkSize(header.getUint32(16), header.getUint32(20));
  const { palette, transparency, ...png } = decodePng(bytes);
  const data = png.depth < 8 ? unpacked(png.data, png.width, png.height, png.depth) : png.data;
  if (palette) return laidOnWhite(coloured(png.width, png.height, data, palette));
  return laidOnWhite({ ...png, data, clear: transparency });
}

/** The first page of a TIFF, upright. */
export function fromTiff(bytes: Uint8Array<ArrayBuffer>): Pixels {
  const { width, height, channels, depth, floats, data, palette, orientation } = firstPage(bytes);
  if (palette) {
    const colours = palette.map((colour) => colour.map((value) => value >> 8));
    return turned(laidOnWhite(coloured(width, height, data, colours)), orientation);
  }
  const plain = floats ? { depth: 8, data: fromFloats(data) } : { depth, data };
  return turned(laidOnWhite({ width, height, channels, ...plain }), orientation);
}

/** A picture of places in a palette, whose colours may have an alpha. */
function coloured(
  width: number,
  height: number,
  places: ArrayLike<number>,
  palette: readonly (readonly number[])[],
): Stored {
  const channels = palette[0]!.length;
  const data = new Uint8Array(width * height * channels);
  for (let n = 0; n < width * height; n++) data.set(palette[places[n]!]!, n * channels);
  return { width, height, channels, depth: 8, data };
}

/** Bytes on white paper. */
function laidOnWhite({ width, height, channels, data, depth, clear }: Stored): Pixels {
  const colours = channels < 3 ? 1 : 3;
  const alpha = channels === 2 || channels === 4;
  const out = new Uint8Array(width * height * colours);
  for (let from = 0, to = 0; to < out.length; from += channels, to += colours) {
    let share = alpha ? toByte(data[from + colours]!, depth, false) : 255;
    if (clear && isSame(data, from, clear, colours)) share = 0;
    for (let c = 0; c < colours; c++) {
      out[to + c] = onWhite(toByte(data[from + c]!, depth, channels === 1), share);
    }
  }
  return { width, height, channels: colours, data: out };
}

/** As Pillow: grey of 16 bits is rounded, the channels of colours and alpha are cut. */
function toByte(value: number, depth: number, round: boolean): number {
  if (depth === 8) return value;
  if (depth === 16) return round ? Math.round(value / 257) : value >> 8;
  return (value * 255) / (2 ** depth - 1);
}

function isSame(data: ArrayLike<number>, at: number, clear: ArrayLike<number>, count: number) {
  for (let c = 0; c < count; c++) if (data[at + c] !== clear[c]) return false;
  return true;
}

/** Floats of 0…1, 0…255 or 0…65 535 as bytes; the largest value says which. */
function fromFloats(data: ArrayLike<number>): Uint8Array {
  let [low, high] = [Infinity, -Infinity];
  for (let n = 0; n < data.length; n++) {
    low = Math.min(low, data[n]!);
    high = Math.max(high, data[n]!);
  }
  const top = [1, 255, 65535].find((one) => high <= one);
  if (!(low >= 0 && top)) throw new Error("its greys are not numbers from 0 to 65535");
  const share = Math.fround(255 / top);
  return Uint8Array.from(data, (value) => rounded(Math.fround(value * share)));
}

/** Values of 1, 2 or 4 bits, one in each byte; a row begins with a new byte. */
function unpacked(data: ArrayLike<number>, width: number, height: number, depth: number) {
  const out = new Uint8Array(width * height);
  const [line, most] = [Math.ceil((width * depth) / 8), 2 ** depth - 1];
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      out[to++] = (data[y * line + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
    }
  }
  return out;
}
