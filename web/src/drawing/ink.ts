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

/** A step as it is stored: colour, width, then x, y and pressure of every point. */
type Stored = "clear" | [string, number, ...number[]];

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

  /** All steps for `restore`, as JSON. */
  toJSON(): { steps: Stored[]; undone: Stored[] } {
    return { steps: this.#steps.map(stored), undone: this.#undone.map(stored) };
  }

  /** Take over the steps of another drawing, from what its `toJSON` returned. */
  restore(saved: unknown): void {
    const lists = (saved ?? {}) as { steps?: unknown; undone?: unknown };
    this.#steps = restored(lists.steps);
    this.#undone = restored(lists.undone);
  }
}

function stored(step: Step): Stored {
  if (step === "clear") return step;
  const short = (value: number) => Math.round(value * 1e5) / 1e5;
  const points = step.points.flatMap(({ x, y, pressure }) => [short(x), short(y), short(pressure)]);
  return [step.colour, step.width, ...points];
}

/** Steps from what a browser has stored, which may be of another version or damaged. */
function restored(list: unknown): Step[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((step: unknown): Step[] => {
    if (step === "clear") return [step];
    if (!Array.isArray(step)) return [];
    const [colour, width, ...values] = step as unknown[];
    const numbers = values.filter((value): value is number => Number.isFinite(value));
    if (typeof colour !== "string" || typeof width !== "number" || numbers.length < 3) return [];
    const points = Array.from({ length: Math.floor(numbers.length / 3) }, (_, n) => ({
      x: numbers[3 * n]!,
      y: numbers[3 * n + 1]!,
      pressure: numbers[3 * n + 2]!,
    }));
    return [{ colour, width, points }];
  });
}

/** The part of a canvas context that painting uses. */
export type Brush = Pick<
  CanvasRenderingContext2D,
  "arc" | "beginPath" | "fill" | "fillRect" | "lineTo" | "moveTo" | "quadraticCurveTo" | "stroke"
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
    const width = stroke.width * side * thickness(point.pressure);
    if (isDot([start, before, point])) {
      dot(brush, side, stroke.colour, point, width);
      continue;
    }
    brush.lineWidth = width;
    brush.beginPath();
    brush.moveTo(start.x * side, start.y * side);
    brush.quadraticCurveTo(before.x * side, before.y * side, middle.x * side, middle.y * side);
    brush.lineTo(point.x * side, point.y * side);
    brush.stroke();
  }
}

/** Whether a line through these points has no length, as after a tap. */
function isDot(points: readonly { x: number; y: number }[]): boolean {
  return points.every(({ x, y }) => x === points[0]!.x && y === points[0]!.y);
}

/** A disc as wide as the pen: Chromium paints nothing for a line without length. */
function dot(
  brush: Brush,
  side: number,
  colour: string,
  { x, y }: { x: number; y: number },
  width: number,
): void {
  brush.fillStyle = colour;
  brush.beginPath();
  brush.arc(x * side, y * side, width / 2, 0, 2 * Math.PI);
  brush.fill();
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
  const width = stroke.width * side * thickness(first.pressure);
  if (isDot(points)) {
    dot(brush, side, stroke.colour, first, width);
    return;
  }
  brush.strokeStyle = stroke.colour;
  brush.lineCap = "round";
  brush.lineJoin = "round";
  brush.lineWidth = width;
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
