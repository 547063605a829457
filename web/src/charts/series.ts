/** The colour and the shape of each series. An approach keeps both in every run and room. */

/** Paths around 0,0, about ten across: disc, square, triangle, diamond, cross, hexagon. */
export const SHAPES = [
  "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z",
  "M-4.5,-4.5H4.5V4.5H-4.5Z",
  "M0,-5.5L5.4,4.2H-5.4Z",
  "M0,-6L6,0L0,6L-6,0Z",
  "M-5,-1.8H-1.8V-5H1.8V-1.8H5V1.8H1.8V5H-1.8V1.8H-5Z",
  "M-5,0L-2.5,-4.6H2.5L5,0L2.5,4.6H-2.5Z",
];

const FIXED = new Map([
  ["scattering", 0],
  ["transfer", 1],
  ["cnn", 2],
  ["vit", 3],
  ["baseline", 4],
]);

export function colour(number: number): string {
  return `var(--series-${number % 6})`;
}

/** The number of each approach, by name, whatever else is in the run.
 *
 * Approaches of other packages, and a second model of the same name, take what is free, from 5.
 */
export function seriesOf(names: readonly string[]): number[] {
  const taken = new Set<number>();
  const found = names.map((name) => {
    const number = FIXED.get(name);
    if (number === undefined || taken.has(number)) return undefined;
    taken.add(number);
    return number;
  });
  const free = [5, 0, 1, 2, 3, 4].filter((number) => !taken.has(number));
  let next = 6; // from then on colours repeat
  return found.map((number) => number ?? free.shift() ?? next++);
}
