/** The size that a picture may have once it is unpacked, as on the server. */
const MOST_PIXELS = 50e6;

export class TooLarge extends Error {
  constructor() {
    super("it unpacks to more than 50 million pixels. Save a smaller version of the picture.");
  }
}

/** Throws `TooLarge`; ask before the pixels are unpacked. */
export function checkSize(width: number, height: number): void {
  if (width * height > MOST_PIXELS) throw new TooLarge();
}
