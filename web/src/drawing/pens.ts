/** Pens. Dark colours on a white canvas, in the dark scheme too. */
export const COLOURS = [
  { name: "Ink", value: "#1c1c1c" },
  { name: "Blue", value: "#1b4f9c" },
  { name: "Red", value: "#a8321f" },
  { name: "Green", value: "#17694a" },
] as const;

/** Shares of the canvas' side; `dot` is the size of the button's dot, in pixels. */
export const WIDTHS = [
  { name: "Thin pen", value: 0.025, dot: 5 },
  { name: "Thick pen", value: 0.06, dot: 10 },
  { name: "Very thick pen", value: 0.095, dot: 16 },
] as const;
