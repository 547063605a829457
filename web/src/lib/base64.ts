/** Base64 to bytes and columns of numbers. */

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
