/** Base64: bytes, columns of numbers, JSON packed by gzip, and data URIs. */

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const found = new Uint8Array(binary.length);
  for (let n = 0; n < binary.length; n++) found[n] = binary.charCodeAt(n);
  return found;
}

/** Little-endian uint16; all machines that run browsers are little-endian. */
export function column(text: string): Uint16Array {
  return new Uint16Array(bytes(text).buffer);
}

/** JSON, packed by gzip, in base64. */
export async function unpacked<Value>(text: string): Promise<Value> {
  const packed = new Blob([bytes(text)]).stream();
  const json = packed.pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(json).json()) as Value;
}

/** A PNG as a data URI. */
export function pngUri(png: Uint8Array): string {
  let text = "";
  for (let at = 0; at < png.length; at += PART) {
    text += String.fromCharCode(...png.subarray(at, at + PART));
  }
  return `data:image/png;base64,${btoa(text)}`;
}

const PART = 8192; // bytes: a call takes only so many arguments
