/** The orientation in a picture file. Browsers turn a JPEG and a PNG, but no WebP. */

/** Where an EXIF block is in a file. */
interface Block {
  /** Its name: after the name is changed, the browser finds no EXIF block. */
  name: number;
  start: number;
  end: number;
}

export interface Upright {
  /** The file, in which the browser finds no orientation. */
  bytes: Uint8Array<ArrayBuffer>;
  /** 1 to 8, as EXIF counts; 1 needs no turn. */
  orientation: number;
}

/** Take the orientation out of a JPEG, PNG or WebP, so that this page turns all of them alike. */
export function withoutOrientation(bytes: Uint8Array<ArrayBuffer>): Upright {
  const block = inJpeg(bytes) ?? inPng(bytes) ?? inWebp(bytes);
  if (!block) return { bytes, orientation: 1 };
  const copy = bytes.slice();
  copy[block.name] = 0x58; // "X": an unknown block, which every decoder skips
  return { bytes: copy, orientation: orientationIn(bytes.subarray(block.start, block.end)) };
}

function inJpeg(bytes: Uint8Array): Block | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const view = viewOf(bytes);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const kind = bytes[at + 1]!;
    if (kind === 0xff)
      at++; // padding
    else if (kind === 0xda || kind === 0xd9)
      return null; // the picture begins, or the file ends
    else if (kind >= 0xd0 && kind <= 0xd8) at += 2;
    else {
      const end = at + 2 + view.getUint16(at + 2);
      if (kind === 0xe1 && text(bytes, at + 4, 6) === "Exif\0\0")
        return { name: at + 4, start: at + 10, end };
      at = end;
    }
  }
  return null;
}

function inPng(bytes: Uint8Array): Block | null {
  if (text(bytes, 0, 4) !== "\x89PNG") return null;
  const view = viewOf(bytes);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (text(bytes, at + 4, 4) === "eXIf")
      return { name: at + 4, start: at + 8, end: at + 8 + view.getUint32(at) };
  }
  return null;
}

function inWebp(bytes: Uint8Array): Block | null {
  if (text(bytes, 0, 4) !== "RIFF" || text(bytes, 8, 4) !== "WEBP") return null;
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    if (text(bytes, at, 4) === "EXIF") return { name: at, start: at + 8, end: at + 8 + size };
    at += 8 + size + (size % 2);
  }
  return null;
}

/** The orientation in an EXIF block; 1 if there is none, or if the block is damaged. */
function orientationIn(block: Uint8Array): number {
  while (text(block, 0, 6) === "Exif\0\0") block = block.subarray(6);
  const little = text(block, 0, 2) === "II";
  const view = viewOf(block);
  try {
    const list = view.getUint32(4, little);
    for (let n = view.getUint16(list, little), at = list + 2; n > 0; n--, at += 12) {
      if (view.getUint16(at, little) !== 0x0112) continue;
      const type = view.getUint16(at + 2, little);
      if (type === 1) return view.getUint8(at + 8);
      return type === 4 ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
    }
  } catch {
    // Cut short; the pixels are there anyway.
  }
  return 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array, from: number, count: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + count));
}
