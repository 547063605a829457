/** The input of a model's network as a picture. */
import { rounded } from "./average.ts";
import { pngUri } from "./base64.ts";
import { png } from "./png.ts";

/** Channels × side × side in 0…1, as a PNG in a data URI. */
export function uriOf(seen: Float32Array, side: number, channels: number): string {
  const count = side * side;
  const data = new Uint8Array(count * channels);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      const value = rounded(Math.fround(255 * seen[c * count + n]!));
      data[n * channels + c] = Math.min(255, Math.max(0, value));
    }
  }
  const shown = { width: side, height: side, channels: channels === 1 ? 1 : 3, data } as const;
  return pngUri(png(shown));
}
