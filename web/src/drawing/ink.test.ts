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
    "move 0 0",
    "curve 0 0 0 0",
    "line 0 0",
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

test("paper is white whatever the page's colours", () => {
  const on = brush();
  paintAll(on, 50, [stroke([0.5, 0.5])]);
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
  expect(pen.calls.filter((one) => one.startsWith("move"))).toHaveLength(3);
});

test("pressure changes a line gently", () => {
  expect(thickness(0.5)).toBe(1);
  expect(thickness(1)).toBe(1.25);
  expect(thickness(0)).toBe(0.75);
});
