/** The colour and the shape of each series, in the order of the run. */

/** Paths around 0,0, about ten across: disc, square, triangle, diamond, cross, hexagon. */
export const SHAPES = [
  "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z",
  "M-4.5,-4.5H4.5V4.5H-4.5Z",
  "M0,-5.5L5.4,4.2H-5.4Z",
  "M0,-6L6,0L0,6L-6,0Z",
  "M-5,-1.8H-1.8V-5H1.8V-1.8H5V1.8H1.8V5H-1.8V1.8H-5Z",
  "M-5,0L-2.5,-4.6H2.5L5,0L2.5,4.6H-2.5Z",
];

export function colour(number: number): string {
  return `var(--series-${number % 6})`;
}
