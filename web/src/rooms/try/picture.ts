/** Decoding of picture files in the browser. */

const KEPT_SIDE = 512; // maximum side of a picture that is added to a set

/** The picture in a file, rotated as its EXIF data says. */
export function bitmapOf(file: Blob): Promise<ImageBitmap> {
  return createImageBitmap(file, { imageOrientation: "from-image" });
}

/** A picture as a PNG in a data URI, on white, its longer side at most `KEPT_SIDE` pixels. */
export async function dataUri(file: Blob): Promise<string> {
  const picture = await bitmapOf(file).catch(() => {
    throw new Error("This browser cannot read the picture. Save it as PNG or JPEG.");
  });
  const scale = Math.min(1, KEPT_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const brush = canvas.getContext("2d", { alpha: false })!;
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.toDataURL("image/png");
}
