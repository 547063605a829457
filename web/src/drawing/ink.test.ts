import { expect, test } from "vitest";
import { Ink, paint, paintAll, thickness, type Brush, type Stroke } from "./ink.ts";

function stroke(...places: [number, number][]): Stroke {
  return {
    points: places.map(([x, y]) => ({ x, y, pressure: 0.5 })),
    colour: "#000",
    width: 0.1,
  };
}

function brush(): Brush & { calls: string[] } {
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...numbers: number[]) =>
      void calls.push(`${name} ${numbers.map((number) => Math.round(number)).join(" ")}`.trim());
  return {
    calls,
    lineWidth: 0,
    strokeStyle: "",
    fillStyle: "",
    lineCap: "butt",
    lineJoin: "miter",
    beginPath: () => {},
    stroke: () => {},
    fill: () => {},
    arc: (x, y, radius) => note("arc")(x, y, radius),
    moveTo: note("move"),
    lineTo: note("line"),
    quadraticCurveTo: note("curve"),
    fillRect: note("fill"),
  };
}

test("every step is undone and done again, clearing too", () => {
  const ink = new Ink();
  const [a, b, c] = [stroke([0, 0]), stroke([1, 1]), stroke([0, 1])];
  expect([ink.empty, ink.canUndo, ink.canRedo]).toEqual([true, false, false]);
  ink.begin(a);
  ink.begin(b);
  ink.clear();
  expect(ink.empty).toBe(true);
  ink.undo();
  expect(ink.strokes).toEqual([a, b]);
  ink.undo();
  expect(ink.strokes).toEqual([a]);
  ink.redo();
  ink.redo();
  expect(ink.empty).toBe(true);
  ink.redo(); // nothing left
  ink.begin(c);
  expect(ink.strokes).toEqual([c]);
  expect(ink.canRedo).toBe(false);
  ink.undo();
  ink.undo();
  ink.begin(c); // what was undone is gone for good
  expect(ink.canRedo).toBe(false);
});

test("a drawing is stored and restored with its history", () => {
  const ink = new Ink();
  ink.begin(stroke([0.123456789, 1], [0.5, 0.25]));
  ink.clear();
  ink.begin(stroke([0.5, 0.5]));
  ink.undo();
  const other = new Ink();
  other.restore(JSON.parse(JSON.stringify(ink)));
  expect([other.empty, other.canUndo, other.canRedo]).toEqual([true, true, true]);
  other.redo();
  expect(other.strokes).toEqual([stroke([0.5, 0.5])]);
  other.undo();
  other.undo();
  expect(other.strokes[0]!.points).toEqual([
    { x: 0.12346, y: 1, pressure: 0.5 },
    { x: 0.5, y: 0.25, pressure: 0.5 },
  ]);
});

test("what is no drawing restores none", () => {
  const ink = new Ink();
  ink.begin(stroke([0, 0]));
  for (const saved of [
    null,
    7,
    "clear",
    {},
    { steps: 3 },
    { steps: [["#000", 1], [1, 2, 3], {}] },
  ]) {
    ink.restore(saved);
    expect([ink.empty, ink.canUndo, ink.canRedo]).toEqual([true, false, false]);
  }
});

test("clearing an empty paper is no step", () => {
  const ink = new Ink();
  ink.clear();
  expect(ink.canUndo).toBe(false);
  ink.undo();
  expect(ink.canRedo).toBe(false);
});

test("a line runs through the middles between its points", () => {
  const on = brush();
  paint(on, 100, stroke([0, 0], [0.2, 0], [0.2, 0.2]));
  expect(on.calls).toEqual([
    "arc 0 0 5",
    "move 0 0",
    "curve 0 0 10 0",
    "line 20 0",
    "move 10 0",
    "curve 20 0 20 10",
    "line 20 20",
  ]);
  expect(on.lineWidth).toBe(10);
  expect(on.lineCap).toBe("round");
});

test("only what is new is painted", () => {
  const on = brush();
  paint(on, 100, stroke([0, 0], [0.2, 0], [0.2, 0.2]), 2);
  expect(on.calls).toEqual(["move 10 0", "curve 20 0 20 10", "line 20 20"]);
});

test("a tap is a dot as wide as the pen, also if the pen rested there", () => {
  for (const tap of [stroke([0.5, 0.5]), stroke([0.5, 0.5], [0.5, 0.5], [0.5, 0.5])]) {
    const [during, after] = [brush(), brush()];
    paint(during, 100, tap);
    expect(new Set(during.calls)).toEqual(new Set(["arc 50 50 5"]));
    paintAll(after, 100, [tap]);
    expect(after.calls.slice(1)).toEqual(["arc 50 50 5"]);
    expect(after.fillStyle).toBe("#000");
  }
  const pressed = stroke([0.5, 0.5], [0.5, 0.5]);
  pressed.points[1]!.pressure = 1;
  const on = brush();
  paintAll(on, 100, [pressed]);
  expect(on.calls.slice(1)).toEqual(["arc 50 50 5", "arc 50 50 6"]);
});

test("paper is white whatever the page's colours", () => {
  const on = brush();
  paintAll(on, 50, [stroke([0.5, 0.5], [0.6, 0.5])]);
  expect(on.calls[0]).toBe("fill 0 0 50 50");
  expect(on.fillStyle).toBe("#ffffff");
});

test("a stroke of even pressure is one line", () => {
  const on = brush();
  const even = stroke([0, 0], [0.2, 0], [0.2, 0.2]);
  paintAll(on, 100, [even]);
  expect(on.calls.slice(1)).toEqual([
    "move 0 0",
    "curve 0 0 10 0",
    "curve 20 0 20 10",
    "line 20 20",
  ]);
  even.points[1]!.pressure = 1;
  const pen = brush();
  paintAll(pen, 100, [even]);
  expect(pen.calls.filter((one) => /^(move|arc)/.test(one))).toHaveLength(3);
});

test("pressure changes a line gently", () => {
  expect(thickness(0.5)).toBe(1);
  expect(thickness(1)).toBe(1.25);
  expect(thickness(0)).toBe(0.75);
});
