/** A drawing: strokes on white paper, what can be undone, and how they are painted. */

export const PAPER = "#ffffff";

/** A place on the paper, 0…1 from its left and top, and how hard the pen pressed (0.5: usual). */
export interface Point {
  x: number;
  y: number;
  pressure: number;
}

export interface Stroke {
  points: Point[];
  colour: string;
  /** Of the line, as a share of the paper's side. */
  width: number;
}

type Step = Stroke | "clear";

/** The strokes of a drawing with its history; clearing is a step like any other. */
export class Ink {
  #steps: Step[] = [];
  #undone: Step[] = [];

  /** What is on the paper. */
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

/** What painting needs of a canvas. */
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

/** Paint a stroke from its point number `from` on, as on paper of `side` pixels.
 *
 * The line runs through the middles between points, with the points as the handles of its curves,
 * so that a quick hand's few points make no corners. Its last half step is straight: it is painted
 * over as soon as the next point is known.
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

/** A pen that is pressed draws up to a quarter thicker, one that hovers that much thinner. */
export function thickness(pressure: number): number {
  return 0.75 + pressure / 2;
}

/** Paint a whole stroke, as one line where the pressure is even: its edges are smooth then. */
function paintWhole(brush: Brush, side: number, stroke: Stroke): void {
  const { points } = stroke;
  const first = points[0]!;
  if (points.some((one) => one.pressure !== first.pressure)) {
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

/** White paper with all strokes. */
export function paintAll(brush: Brush, side: number, strokes: readonly Stroke[]): void {
  brush.fillStyle = PAPER;
  brush.fillRect(0, 0, side, side);
  for (const stroke of strokes) paintWhole(brush, side, stroke);
}

function between(a: Point, b: Point): { x: number; y: number } {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
