/** The values of a TIFF's first page, however they are stored: in strips or tiles, colours together
 * or in planes, 1 to 16 bits or floats; plain, PackBits, LZW or deflate. The package `tiff` reads
 * the fields; of the pixels it knows fewer kinds, and turns none.
 */
import { unzlibSync } from "fflate";
import { decode } from "tiff";
import { checkSize } from "./size.ts";

export interface TiffPage {
  width: number;
  height: number;
  /** Values per pixel, without extra ones that are no alpha. */
  channels: number;
  /** Bits of a value. */
  depth: number;
  floats: boolean;
  data: Values;
  palette: readonly (readonly number[])[] | undefined;
  /** 1 to 8, as EXIF counts. */
  orientation: number;
}

type Values = Uint8Array | Uint16Array | Float32Array | Float64Array;
type Fields = ReturnType<typeof decode>[number];

const [WHITE_IS_ZERO, RGB, PALETTE] = [0, 2, 3];
const [PLAIN, LZW, DEFLATE, OLD_DEFLATE, PACKBITS] = [1, 5, 8, 32946, 32773];
const PLANES = 2;

/** Throws if the page is of another kind, or cut short. */
export function firstPage(bytes: Uint8Array<ArrayBuffer>): TiffPage {
  const fields = decode(bytes, { pages: [0], ignoreImageData: true })[0]!;
  const { width, height, samplesPerPixel: stored, type } = fields;
  checkSize(width, height);
  const depth = fields.bitsPerSample ?? 1;
  const floats = fields.sampleFormat === 3;
  const known = floats ? [32, 64].includes(depth) : [1, 2, 4, 8, 16].includes(depth);
  if (!known || !(width > 0 && height > 0) || type > PALETTE) throw new Error("another kind");
  const values = assembled(fields, bytes, depth, floats);
  const channels = (type === RGB ? 3 : 1) + (fields.alpha ? 1 : 0);
  if (channels > stored) throw new Error("it has too few values");
  const data = channels === stored ? values : firstOf(values, stored, channels);
  if (type === WHITE_IS_ZERO && !floats) {
    for (let n = 0; n < data.length; n += channels) data[n] = 2 ** depth - 1 - data[n]!;
  }
  if (fields.associatedAlpha && channels > 1) divideByAlpha(data, channels, 2 ** depth - 1);
  const palette = type === PALETTE ? fields.palette : undefined;
  return {
    ...{ width, height, channels, depth, floats, data, palette },
    orientation: fields.orientation || 1,
  };
}

/** All values, pixel by pixel. */
function assembled(fields: Fields, bytes: Uint8Array, depth: number, floats: boolean): Values {
  const { width, height, samplesPerPixel: stored, tiled } = fields;
  const planes = fields.planarConfiguration === PLANES ? stored : 1;
  const together = stored / planes; // values of a pixel that are side by side
  const [wide, high] = tiled
    ? [fields.tileWidth!, fields.tileHeight!]
    : [width, Math.min(fields.rowsPerStrip, height)];
  const [across, down] = [Math.ceil(width / wide), Math.ceil(height / high)];
  const line = Math.ceil((wide * together * depth) / 8);
  const starts = tiled ? fields.tileOffsets : fields.stripOffsets;
  const sizes = tiled ? fields.tileByteCounts : fields.stripByteCounts;
  const little = bytes[0] === 0x49;
  const out = emptyFor(depth, floats, width * height * stored);
  for (let n = 0; n < planes * across * down; n++) {
    const [plane, row, column] = [
      Math.floor(n / (across * down)),
      Math.floor(n / across) % down,
      n % across,
    ];
    const [top, left] = [row * high, column * wide];
    const rows = tiled ? high : Math.min(high, height - top);
    const packed = bytes.subarray(starts[n]!, starts[n]! + (sizes?.[n] ?? rows * line));
    const block = unpacked(fields, packed, rows * line);
    if (block.length < rows * line) throw new Error("it is cut short");
    const read = reader(block, depth, floats, little);
    if (isPredicted(fields)) addUp(block, rows, line, depth, together, little);
    const shown = Math.min(wide, width - left) * together;
    for (let y = 0; y < Math.min(rows, height - top); y++) {
      const to = ((top + y) * width + left) * stored + plane;
      const step = planes > 1 ? stored : 1;
      for (let x = 0; x < shown; x++) out[to + x * step] = read(y * line, x);
    }
  }
  return out;
}

function isPredicted({ predictor, compression }: Fields): boolean {
  if (predictor === 1 || [PLAIN, PACKBITS].includes(compression)) return false;
  if (predictor === 2) return true;
  throw new Error("another predictor");
}

function emptyFor(depth: number, floats: boolean, count: number): Values {
  if (floats) return depth === 32 ? new Float32Array(count) : new Float64Array(count);
  return depth === 16 ? new Uint16Array(count) : new Uint8Array(count);
}

/** A function from the start of a row, in bytes, and the place in it to the value. */
function reader(
  block: Uint8Array,
  depth: number,
  floats: boolean,
  little: boolean,
): (start: number, place: number) => number {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (floats && depth === 32) return (start, place) => view.getFloat32(start + 4 * place, little);
  if (floats) return (start, place) => view.getFloat64(start + 8 * place, little);
  if (depth === 16) return (start, place) => view.getUint16(start + 2 * place, little);
  if (depth === 8) return (start, place) => block[start + place]!;
  const most = 2 ** depth - 1;
  return (start, place) => {
    const bit = place * depth;
    return (block[start + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
  };
}

/** Undo the predictor: every value was stored as the difference to the pixel on its left. */
function addUp(
  block: Uint8Array,
  rows: number,
  line: number,
  depth: number,
  together: number,
  little: boolean,
): void {
  if (depth !== 8 && depth !== 16) throw new Error("differences of such values");
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const size = depth / 8;
  for (let y = 0; y < rows; y++) {
    for (let at = y * line + together * size; at + size <= (y + 1) * line; at += size) {
      const before = at - together * size;
      if (size === 1) block[at]! += block[before]!;
      else view.setUint16(at, view.getUint16(at, little) + view.getUint16(before, little), little);
    }
  }
}

/** The first `channels` of `stored` values of each pixel. */
function firstOf(values: Values, stored: number, channels: number): Values {
  const out = values.slice(0, (values.length / stored) * channels);
  for (let n = 0; n < out.length; n++)
    out[n] = values[Math.floor(n / channels) * stored + (n % channels)]!;
  return out;
}

/** Colours were multiplied by their alpha; rounded as by Pillow. */
function divideByAlpha(data: Values, channels: number, most: number): void {
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + channels - 1]!;
    for (let c = 0; alpha && alpha < most && c < channels - 1; c++) {
      data[at + c] = Math.min(most, Math.trunc((data[at + c]! * most) / alpha));
    }
  }
}

function unpacked({ compression, fillOrder }: Fields, packed: Uint8Array, size: number) {
  const bytes = fillOrder === 2 ? packed.map(mirrored) : packed;
  if (compression === PLAIN) return bytes.slice();
  if (compression === PACKBITS) return unpackedBits(bytes, size);
  if (compression === LZW) return unpackedLzw(bytes, size);
  if (compression === DEFLATE || compression === OLD_DEFLATE) return unzlibSync(bytes);
  throw new Error("another compression");
}

function mirrored(byte: number): number {
  let out = 0;
  for (let bit = 0; bit < 8; bit++) out |= ((byte >> bit) & 1) << (7 - bit);
  return out;
}

/** Runs: n bytes as they are, or a byte n times. */
function unpackedBits(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < packed.length && to < size;) {
    const head = packed[at++]!;
    if (head < 128) {
      const run = packed.subarray(at, at + Math.min(head + 1, size - to));
      out.set(run, to);
      [at, to] = [at + head + 1, to + run.length];
    } else if (head > 128) {
      const end = Math.min(to + 257 - head, size);
      out.fill(packed[at++]!, to, end);
      to = end;
    }
  }
  return out.subarray(0, to);
}

const [CLEAR, END, MOST_CODES] = [256, 257, 4096];

/** As TIFF has it: the highest bit first, and a code longer one entry early. */
function unpackedLzw(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  // Each entry is an older one and a byte; its first byte and its length save a walk.
  const [older, length] = [new Int32Array(MOST_CODES), new Int32Array(MOST_CODES).fill(1)];
  const [last, first] = [new Uint8Array(MOST_CODES), new Uint8Array(MOST_CODES)];
  for (let code = 0; code < 256; code++) last[code] = first[code] = code;
  let [next, bits, before] = [END + 1, 9, -1];
  let [held, count, at, to] = [0, 0, 0, 0];
  while (to < size) {
    for (; count < bits && at < packed.length; count += 8)
      held = ((held << 8) | packed[at++]!) & 0xffffff;
    if (count < bits) break;
    count -= bits;
    const code = (held >> count) & ((1 << bits) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      [next, bits, before] = [END + 1, 9, -1];
      continue;
    }
    if (code > next || (code === next && before < 0)) throw new Error("a damaged code");
    if (before >= 0 && next < MOST_CODES) {
      older[next] = before;
      first[next] = first[before]!;
      last[next] = first[code === next ? before : code]!;
      length[next] = length[before]! + 1;
      next++;
      if (next === 2 ** bits - 1 && bits < 12) bits++;
    }
    for (let n = length[code]! - 1, from = code; n >= 0; n--, from = older[from]!)
      if (to + n < size) out[to + n] = last[from]!;
    to += length[code]!;
    before = code;
  }
  return out.subarray(0, Math.min(to, size));
}
