/** The occlusion map over a pale grey picture: `bundle/sheet.py` in TypeScript. */

const HELPED = [214, 84, 0] as const; // distinct for all kinds of colour vision
const HURT = [0, 98, 196] as const;
const LEAST = 0.02; // of a probability: smaller drops do not get full colour

/** Paint over the pixels (RGBA) of a picture: orange where it counts for the answer, blue against.
 *
 * `drops` are square cells over it, row by row, interpolated between their centres.
 */
export function heat(
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
  drops: readonly (readonly number[])[],
): void {
  const largest = Math.max(LEAST, ...drops.flat().map(Math.abs));
  const cell = Math.max(width / drops[0]!.length, height / drops.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const strong = smooth(drops, (x + 0.5) / cell - 0.5, (y + 0.5) / cell - 0.5) / largest;
      const grey = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
      const pale = grey * 0.6 + 90;
      const share = Math.min(1, Math.abs(strong)) * 0.8;
      const colour = strong > 0 ? HELPED : HURT;
      for (let c = 0; c < 3; c++) pixels[at + c] = pale * (1 - share) + colour[c]! * share;
      pixels[at + 3] = 255;
    }
  }
}

/** Bilinear interpolation between the four cells around a point. */
function smooth(cells: readonly (readonly number[])[], x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [over, down] = [x - left, y - top];
  const cell = (row: number, column: number): number => {
    const line = cells[Math.min(cells.length - 1, Math.max(0, row))]!;
    return line[Math.min(line.length - 1, Math.max(0, column))]!;
  };
  return (
    (cell(top, left) * (1 - over) + cell(top, left + 1) * over) * (1 - down) +
    (cell(top + 1, left) * (1 - over) + cell(top + 1, left + 1) * over) * down
  );
}
