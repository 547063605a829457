/** Decodes files to pixels with the browser's own decoders, for models that run in it. */
import { looksLikeNumbers, picturesIn, type Written } from "./numbers.ts";
import { fitted, fromRgba, LONGEST, toRgba, type Pixels } from "./pixels.ts";

/** The pictures in a file: one, or one for each row of a table of pixels. */
export async function decoded(file: File): Promise<Written[]> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none", // the values as stored in the file
      premultiplyAlpha: "none",
    });
  } catch {
    const text = await file.text();
    if (looksLikeNumbers(text)) return picturesIn(text, file.name);
    const problem = file.size ? "this browser cannot decode it as a picture" : "the file is empty";
    throw new Error(`${file.name}: ${problem}. Save it as PNG or JPEG.`);
  }
  const pixels = drawn(picture, ...fitted(picture.width, picture.height, LONGEST));
  picture.close();
  return [{ name: file.name, pixels }];
}

/** A picture whose longer side is at most `side`. */
export async function shrunk(pixels: Pixels, side: number): Promise<Pixels> {
  const size = fitted(pixels.width, pixels.height, side);
  if (size[0] === pixels.width) return pixels;
  return drawn(await createImageBitmap(toRgba(pixels)), ...size);
}

/** A model's input, channels × side × side in 0…1, as a PNG in a data URI. */
export async function uriOf(seen: Float32Array, side: number, channels: number): Promise<string> {
  const count = side * side;
  const image = new ImageData(side, side);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < 3; c++) image.data[4 * n + c] = 255 * seen[(c % channels) * count + n]!;
    image.data[4 * n + 3] = 255;
  }
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

/** Drawn on white, in that size. */
function drawn(picture: ImageBitmap, width: number, height: number): Pixels {
  const canvas = new OffscreenCanvas(width, height);
  const brush = canvas.getContext("2d", { alpha: false, willReadFrequently: true })!;
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, width, height);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(picture, 0, 0, width, height);
  return fromRgba(brush.getImageData(0, 0, width, height).data, width, height);
}
