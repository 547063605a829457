/** A drawing: its strokes, their history, and how they are painted. */

export const PAPER = "#ffffff";

/** A point on the canvas, 0…1 from its left and top, with the pressure of the pen (0.5 is normal). */
export interface Point {
  x: number;
  y: number;
  pressure: number;
}

export interface Stroke {
  points: Point[];
  colour: string;
  /** Of the line, as a share of the canvas' side. */
  width: number;
}

type Step = Stroke | "clear";

/** The strokes of a drawing with its history; clearing is a step like any other. */
export class Ink {
  #steps: Step[] = [];
  #undone: Step[] = [];

  /** The visible strokes. */
  get strokes(): Stroke[] {
    const cleared = this.#steps.lastIndexOf("clear");
    return this.#steps.slice(cleared + 1) as Stroke[];
  }

  get empty(): boolean {
    return this.strokes.length === 0;
  }

  get canUndo(): boolean {
    return this.#steps.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  begin(stroke: Stroke): void {
    this.#steps.push(stroke);
    this.#undone = [];
  }

  clear(): void {
    if (this.empty) return;
    this.#steps.push("clear");
    this.#undone = [];
  }

  undo(): void {
    const step = this.#steps.pop();
    if (step) this.#undone.push(step);
  }

  redo(): void {
    const step = this.#undone.pop();
    if (step) this.#steps.push(step);
  }
}

/** The part of a canvas context that painting uses. */
export type Brush = Pick<
  CanvasRenderingContext2D,
  "beginPath" | "moveTo" | "lineTo" | "quadraticCurveTo" | "stroke" | "fillRect"
> & {
  lineWidth: number;
  strokeStyle: string | CanvasGradient | CanvasPattern;
  fillStyle: string | CanvasGradient | CanvasPattern;
  lineCap: CanvasLineCap;
  lineJoin: CanvasLineJoin;
};

/** Paint a stroke from its point number `from`, on a canvas of `side` pixels.
 *
 * The curve runs through the midpoints between points, with the points as its handles, so that the
 * few points of a quick stroke make no corners. Its last half step is straight, until the next
 * point replaces it.
 */
export function paint(brush: Brush, side: number, stroke: Stroke, from = 0): void {
  const { points } = stroke;
  brush.strokeStyle = stroke.colour;
  brush.lineCap = "round";
  brush.lineJoin = "round";
  for (let n = Math.max(0, from); n < points.length; n++) {
    const point = points[n]!;
    const before = points[n - 1] ?? point;
    const start = n > 1 ? between(points[n - 2]!, before) : before;
    const middle = between(before, point);
    brush.lineWidth = stroke.width * side * thickness(point.pressure);
    brush.beginPath();
    brush.moveTo(start.x * side, start.y * side);
    brush.quadraticCurveTo(before.x * side, before.y * side, middle.x * side, middle.y * side);
    brush.lineTo(point.x * side, point.y * side);
    brush.stroke();
  }
}

/** Full pressure draws a quarter thicker than normal, light pressure a quarter thinner. */
export function thickness(pressure: number): number {
  return 0.75 + pressure / 2;
}

/** Paint a whole stroke, as one path if the pressure is constant, which gives smooth edges. */
function paintWhole(brush: Brush, side: number, stroke: Stroke): void {
  const { points } = stroke;
  const first = points[0]!;
  if (points.some((point) => point.pressure !== first.pressure)) {
    paint(brush, side, stroke);
    return;
  }
  brush.strokeStyle = stroke.colour;
  brush.lineCap = "round";
  brush.lineJoin = "round";
  brush.lineWidth = stroke.width * side * thickness(first.pressure);
  brush.beginPath();
  brush.moveTo(first.x * side, first.y * side);
  points.slice(0, -1).forEach((point, n) => {
    const middle = between(point, points[n + 1]!);
    brush.quadraticCurveTo(point.x * side, point.y * side, middle.x * side, middle.y * side);
  });
  const last = points.at(-1)!;
  brush.lineTo(last.x * side, last.y * side);
  brush.stroke();
}

/** A white canvas with all strokes. */
export function paintAll(brush: Brush, side: number, strokes: readonly Stroke[]): void {
  brush.fillStyle = PAPER;
  brush.fillRect(0, 0, side, side);
  for (const stroke of strokes) paintWhole(brush, side, stroke);
}

function between(a: Point, b: Point): { x: number; y: number } {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
