/** Whether a picture file is cut short. Firefox shows such a picture with its end in grey or black;
 * Chromium and the server refuse it.
 */

export function isComplete(bytes: Uint8Array, format: string): boolean {
  if (format === "JPEG") return jpegEnds(bytes);
  if (format === "GIF") return gifEnds(bytes);
  return format === "BMP" ? bmpEnds(bytes) : true;
}

/** The marker of the end after that of the pixels; thumbnails before them end too. */
function jpegEnds(bytes: Uint8Array): boolean {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at + 1] !== 0xda) {
    const alone = bytes[at + 1] === 0xff || (bytes[at + 1]! >= 0xd0 && bytes[at + 1]! <= 0xd8);
    if (bytes[at] !== 0xff) return true; // not for this function to judge
    if (alone) at += bytes[at + 1] === 0xff ? 1 : 2;
    else at += 2 + (bytes[at + 2]! << 8) + bytes[at + 3]!;
  }
  for (let end = bytes.length - 2; end > at; end--) {
    if (bytes[end] === 0xff && bytes[end + 1] === 0xd9) return true;
  }
  return false;
}

/** The blocks of the first picture, up to the empty one. */
function gifEnds(bytes: Uint8Array): boolean {
  const table = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10]!);
  while (at < bytes.length) {
    const picture = bytes[at] === 0x2c;
    if (!picture && bytes[at] !== 0x21) return false;
    at += picture ? 11 + table(bytes[at + 9]!) : 2;
    while (at < bytes.length && bytes[at]) at += 1 + bytes[at]!;
    if (picture) return at < bytes.length;
    at++;
  }
  return false;
}

/** As many bytes as the rows need, if they are not compressed. */
function bmpEnds(bytes: Uint8Array): boolean {
  if (bytes.length < 34) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(14, true) < 40) return true; // the small header of OS/2
  if (![0, 3].includes(view.getUint32(30, true))) return true;
  const row = Math.ceil((view.getInt32(18, true) * view.getUint16(28, true)) / 32) * 4;
  const rows = Math.abs(view.getInt32(22, true));
  return view.getUint32(10, true) + row * rows <= bytes.length;
}
