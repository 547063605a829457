/** Makes pictures smaller by averaging over areas, to the bit as the server does it.
 *
 * The server uses Pillow's box filter, one axis after the other. An output pixel is the mean of all
 * pixels whose centres are inside of its area: first along the rows, rounded to bytes, then along
 * the columns. Weights are whole numbers of 22 bits. The smoothing of a browser's canvas differs
 * from it by up to 97 of 255.
 */
import type { Pixels } from "./pixels.ts";

const BITS = 22;

/** Width and height of the same aspect ratio, the longer at most `side`: `fitted` in Python. */
export function fitted(width: number, height: number, side: number): [number, number] {
  const longest = Math.max(width, height);
  if (longest <= side) return [width, height];
  return [
    Math.max(1, rounded((width * side) / longest)),
    Math.max(1, rounded((height * side) / longest)),
  ];
}

/** A picture whose longer side is at most `side`. */
export function shrunk(picture: Pixels, side: number): Pixels {
  const [width, height] = fitted(picture.width, picture.height, side);
  if (width === picture.width && height === picture.height) return picture;
  const { channels } = picture;
  const across = averaged(picture.data, width, cellsOf(picture.width, width), {
    lines: picture.height,
    line: picture.width * channels,
    step: channels,
    channels,
    outLine: width * channels,
  });
  const data = averaged(across, height, cellsOf(picture.height, height), {
    lines: 1,
    line: 0,
    step: width * channels,
    channels: width * channels, // a column of every channel of every pixel in a row
    outLine: 0,
  });
  return { width, height, channels, data };
}

/** The first pixel, the number of pixels and the weight of each, for every output pixel. */
interface Cells {
  first: Int32Array;
  count: Int32Array;
  weight: Int32Array;
}

function cellsOf(from: number, to: number): Cells {
  const [first, count, weight] = [new Int32Array(to), new Int32Array(to), new Int32Array(to)];
  const scale = from / to;
  const half = 0.5 * Math.max(1, scale);
  for (let n = 0; n < to; n++) {
    const centre = (n + 0.5) * scale;
    let start = Math.max(0, Math.trunc(centre - half + 0.5));
    let end = Math.min(from, Math.trunc(centre + half + 0.5));
    const inside = (at: number) => {
      const apart = (at - centre + 0.5) * (1 / Math.max(1, scale));
      return apart > -0.5 && apart <= 0.5;
    };
    while (start < end && !inside(start)) start++;
    while (end > start && !inside(end - 1)) end--;
    first[n] = start;
    count[n] = end - start;
    weight[n] = Math.trunc(0.5 + (1 / (end - start)) * 2 ** BITS);
  }
  return { first, count, weight };
}

interface Layout {
  /** Independent lines, and the distance between them. */
  lines: number;
  line: number;
  /** The distance between neighbours along the axis that is averaged. */
  step: number;
  /** Values side by side that are averaged alike. */
  channels: number;
  outLine: number;
}

function averaged(
  data: Uint8Array,
  size: number,
  { first, count, weight }: Cells,
  { lines, line, step, channels, outLine }: Layout,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lines * size * channels);
  const sums = new Int32Array(channels);
  for (let y = 0; y < lines; y++) {
    for (let n = 0; n < size; n++) {
      sums.fill(0);
      let at = y * line + first[n]! * step;
      for (let k = count[n]!; k > 0; k--, at += step) {
        for (let c = 0; c < channels; c++) sums[c]! += data[at + c]!;
      }
      const to = y * outLine + n * channels;
      const share = weight[n]!;
      for (let c = 0; c < channels; c++) {
        out[to + c] = (sums[c]! * share + 2 ** (BITS - 1)) / 2 ** BITS;
      }
    }
  }
  return out;
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
export function rounded(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}
