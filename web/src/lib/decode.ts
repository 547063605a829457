/** Decodes files to the pixels that the server would read, for models that run in the browser. */
import { shrunk } from "./average.ts";
import { isComplete } from "./complete.ts";
import { fromPng, fromTiff } from "./deep.ts";
import { withoutOrientation } from "./exif.ts";
import { DAMAGED, formatOf, looksLike, notAPicture } from "./formats.ts";
import { looksLikeNumbers, picturesIn, type Written } from "./numbers.ts";
import { compact, turned, type Pixels } from "./pixels.ts";
import { checkSize, TooLarge } from "./size.ts";

const LONGEST = 512; // larger pictures are shrunk first
const MOST_BYTES = 50e6; // larger files are refused, as by the server
const AT_ONCE = 4e6; // pixels read from a canvas: browsers limit its size

/** The pictures in a file: one, or one for each row of a table of pixels. */
export async function decoded(file: File): Promise<Written[]> {
  const refuse = (problem: string) => new Error(`${file.name}: ${problem}`);
  if (!file.size) throw refuse("the file is empty (0 bytes). Save or copy the picture again.");
  if (file.size > MOST_BYTES)
    throw refuse("the file is larger than 50 MB. Save a smaller version.");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const words = looksLike(bytes);
  const format = formatOf(words);
  if (!format) {
    const text = words === "a text file" ? await file.text() : "";
    if (looksLikeNumbers(text)) return picturesIn(text, file.name);
    throw refuse(notAPicture(words));
  }
  if (!isComplete(bytes, format)) throw refuse(DAMAGED);
  let pixels: Pixels;
  try {
    pixels = await pixelsOf(bytes, format);
  } catch (error) {
    throw refuse(error instanceof TooLarge ? error.message : format === "TIFF" ? TIFF : DAMAGED);
  }
  return [{ name: file.name, pixels }];
}

const TIFF =
  "this page does not read this kind of TIFF, or the file is damaged. Save it as PNG or JPEG.";

/** The pixels of a file in one of the formats that the server reads: upright, on white, shrunk. */
export async function pixelsOf(bytes: Uint8Array<ArrayBuffer>, format: string): Promise<Pixels> {
  const { bytes: plain, orientation } = withoutOrientation(bytes);
  const whole =
    format === "PNG" ? fromPng(plain) : format === "TIFF" ? fromTiff(plain) : await asShown(plain);
  return compact(shrunk(turned(whole, orientation), LONGEST));
}

/** As the browser decodes it: JPEG, WebP, GIF and BMP are the same bytes as on the server. */
async function asShown(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels> {
  const picture = await createImageBitmap(new Blob([bytes]), {
    colorSpaceConversion: "none", // the values as stored in the file
    premultiplyAlpha: "none",
  });
  try {
    return onPaper(picture);
  } finally {
    picture.close();
  }
}

function onPaper(picture: ImageBitmap): Pixels {
  const { width, height } = picture;
  checkSize(width, height);
  const data = new Uint8Array(3 * width * height);
  const rows = Math.min(height, Math.max(1, Math.floor(AT_ONCE / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const brush = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
  brush.fillStyle = "#fff";
  for (let top = 0, to = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    brush.fillRect(0, 0, width, count);
    brush.drawImage(picture, 0, top, width, count, 0, 0, width, count);
    const rgba = brush.getImageData(0, 0, width, count).data;
    for (let from = 0; from < rgba.length; from += 4, to += 3) {
      data[to] = rgba[from]!;
      data[to + 1] = rgba[from + 1]!;
      data[to + 2] = rgba[from + 2]!;
    }
  }
  return { width, height, channels: 3, data };
}
