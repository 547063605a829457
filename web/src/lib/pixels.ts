/** Pictures as raw pixels, as the models take them: bytes, with one channel if all pixels are grey. */

/** Height × width × channels of bytes, row by row. */
export interface Pixels {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array<ArrayBuffer>;
}

const GREY_SPREAD = 1; // WebP's rounding sets the channels of a grey picture one step apart

/** With one channel if all pixels are grey. */
export function compact(picture: Pixels): Pixels {
  const { width, height, channels, data } = picture;
  if (channels === 1) return picture;
  for (let at = 0; at < data.length; at += 3) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY_SPREAD) return picture;
  }
  const grey = new Uint8Array(width * height);
  for (let n = 0, at = 0; n < grey.length; n++, at += 3) {
    // As Pillow weighs them.
    grey[n] = (data[at]! * 19595 + data[at + 1]! * 38470 + data[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: grey };
}

/** From RGBA that is already composed on white. */
export function fromRgba(rgba: Uint8ClampedArray, width: number, height: number): Pixels {
  const data = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from]!;
    data[to + 1] = rgba[from + 1]!;
    data[to + 2] = rgba[from + 2]!;
  }
  return compact({ width, height, channels: 3, data });
}

/** A value on white paper, with alpha 0…255: rounded as by Pillow's `alpha_composite`. */
export function onWhite(value: number, alpha: number): number {
  if (!alpha) return 255;
  const sum = value * alpha + 255 * (255 - alpha) + 128;
  return ((sum >> 8) + sum) >> 8;
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

/** Upright, from the orientation in a file's EXIF block: 1 to 8. */
export function turned(picture: Pixels, orientation: number): Pixels {
  if (!(orientation > 1 && orientation < 9)) return picture;
  const { width: w, height: h, channels, data } = picture;
  const lying = orientation > 4;
  const [width, height] = lying ? [h, w] : [w, h];
  // Whether the picture is read from its right and from its bottom.
  const right = [2, 3, 7, 8].includes(orientation);
  const bottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = lying ? [y, x] : [x, y];
      const row = bottom ? h - 1 - down : down;
      const at = (row * w + (right ? w - 1 - across : across)) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[at + c]!;
    }
  }
  return { width, height, channels, data: out };
}
