/** Occlusion maps of what mattered to a model: `bundle/occlusion.py` in TypeScript.
 *
 * Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2.
 */
import type { Pixels } from "./pixels.ts";

const CELLS = 14; // along the longer side
export const SIDE = 196; // pixels; larger pictures are shrunk first, as their cells are no finer

export interface Grid {
  rows: number;
  columns: number;
  /** The side of a cell, in pixels. */
  cell: number;
}

export function gridOf({ width, height }: Pick<Pixels, "width" | "height">): Grid {
  const cell = Math.ceil(Math.max(width, height) / CELLS);
  return { rows: Math.ceil(height / cell), columns: Math.ceil(width / cell), cell };
}

/** Copies of a picture, each with one cell and those around it covered by the background, row by row. */
export function* covered(picture: Pixels): Generator<Uint8Array<ArrayBuffer>> {
  const { width, height, channels, data } = picture;
  const { rows, columns, cell } = gridOf(picture);
  const paper = borderColour(picture);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const copy = data.slice();
      const [top, left] = [(row - 1) * cell, (column - 1) * cell];
      const right = Math.min(width, left + 3 * cell);
      for (let y = Math.max(0, top); y < Math.min(height, top + 3 * cell); y++) {
        for (let x = Math.max(0, left); x < right; x++) copy.set(paper, (y * width + x) * channels);
      }
      yield copy;
    }
  }
}

/** The median colour of the picture's border, channel by channel. */
export function borderColour({ width, height, channels, data }: Pixels): number[] {
  const places: number[] = [];
  for (let x = 0; x < width; x++) places.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) places.push(y * width, y * width + width - 1);
  return Array.from({ length: channels }, (_, channel) => {
    const values = places.map((at) => data[at * channels + channel]!).sort((a, b) => a - b);
    const middle = values.length >> 1; // always an even number
    return Math.floor((values[middle - 1]! + values[middle]!) / 2);
  });
}
