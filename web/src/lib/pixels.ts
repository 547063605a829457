/** Pictures as raw pixels, as the models take them: bytes, with one channel if all pixels are grey. */

/** Height × width × channels of bytes, row by row. */
export interface Pixels {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array<ArrayBuffer>;
}

const GREY_SPREAD = 1; // WebP's rounding sets the channels of a grey picture one step apart
export const LONGEST = 512; // larger pictures are shrunk first, as on the server

/** From RGBA that is already composed on white. */
export function fromRgba(rgba: Uint8ClampedArray, width: number, height: number): Pixels {
  const count = width * height;
  let grey = true;
  for (let at = 0; grey && at < 4 * count; at += 4) {
    const [r, g, b] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!];
    grey = Math.max(r, g, b) - Math.min(r, g, b) <= GREY_SPREAD;
  }
  const channels = grey ? 1 : 3;
  const data = new Uint8Array(count * channels);
  for (let n = 0; n < count; n++) {
    const at = 4 * n;
    const [r, g, b] = [rgba[at]!, rgba[at + 1]!, rgba[at + 2]!];
    if (grey)
      data[n] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16; // as Pillow weighs them
    else [data[3 * n], data[3 * n + 1], data[3 * n + 2]] = [r, g, b];
  }
  return { width, height, channels, data };
}

/** Back to RGBA, for display. */
export function toRgba({ width, height, channels, data }: Pixels): ImageData {
  const image = new ImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    for (let c = 0; c < 3; c++) image.data[4 * n + c] = data[channels * n + (c % channels)]!;
    image.data[4 * n + 3] = 255;
  }
  return image;
}

/** Width and height at the same aspect ratio, the longer at most `side`. */
export function fitted(width: number, height: number, side: number): [number, number] {
  const longest = Math.max(width, height);
  if (longest <= side) return [width, height];
  return [
    Math.max(1, Math.round((width * side) / longest)),
    Math.max(1, Math.round((height * side) / longest)),
  ];
}
