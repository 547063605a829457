/** Pens. Dark colours on a white canvas, in the dark scheme too. */
export const COLOURS = [
  { name: "ink", value: "#1c1c1c" },
  { name: "blue", value: "#1b4f9c" },
  { name: "red", value: "#a8321f" },
  { name: "green", value: "#17694a" },
] as const;

/** Shares of the canvas' side; `dot` is the size of the button's dot, in pixels. */
export const WIDTHS = [
  { name: "thin", value: 0.025, dot: 5 },
  { name: "thick", value: 0.06, dot: 10 },
  { name: "veryThick", value: 0.095, dot: 16 },
] as const;
