/** A finished run as the rooms read it: results, and columns with a value for every picture. */
import type { Schema } from "./api.ts";
import { seriesOf } from "../charts/series.ts";
import { column } from "./base64.ts";
import { Sheets } from "./sheets.ts";
import { approachTitle } from "./titles.ts";

export type View = Schema["View"];
export type Results = Schema["Results"];
export type ApproachResult = Schema["ApproachResult"];
export type Scores = Schema["Scores"];
export type ConfusedPair = Schema["ConfusedPair"];

const FIRST_FOLD = 2; // of the parts, after "kept out" and "training" and before "test"
const NOTHING = 65535; // in a column: the approach has no answer for this picture

/** One approach with its answers to all pictures that it was not trained on. */
export class Approach {
  readonly name: string;
  /** Index of its answer's class, by row; 65535 where it has no answer. */
  readonly answer: Uint16Array;
  readonly #confidence: Uint16Array;
  readonly #loss: Uint16Array;

  /** `number` determines its colour and shape. */
  constructor(
    readonly number: number,
    readonly result: ApproachResult,
    said: View["predictions"][string],
  ) {
    this.name = result.name;
    this.answer = column(said.answer);
    this.#confidence = column(said.confidence);
    this.#loss = column(said.loss);
  }

  /** In the reader's language. */
  get title(): string {
    return approachTitle(this.result.title);
  }

  answered(row: number): boolean {
    return this.answer[row] !== NOTHING;
  }

  /** The calibrated probability of its answer, 0…1. */
  confidence(row: number): number {
    return this.#confidence[row]! / 65535;
  }

  /** Minus the log of the probability of the true class, in nats. */
  loss(row: number): number {
    return this.#loss[row]! / 1000;
  }

  /** The scores that rank it: out of fold if there are folds, else those on the locked test. */
  get scores(): Scores | null {
    return this.result.out_of_fold ?? this.result.test;
  }
}

export type Part = "out of fold" | "test";

export class Run {
  readonly results: Results;
  readonly classes: string[];
  readonly groups: string[];
  readonly names: string[];
  /** Index of the true class, by row. */
  readonly labels: Uint16Array;
  /** Index of the group, by row; null where there are no groups. */
  readonly groupOf: Uint16Array | null;
  readonly approaches: Approach[];
  readonly sheets: Sheets;
  /** The text of corrections.csv. */
  readonly corrections: string;
  readonly #parts: Uint16Array;
  readonly #partNames: string[];

  constructor(
    readonly name: string,
    view: View,
  ) {
    this.results = view.results;
    this.classes = view.results.dataset.classes;
    this.groups = view.results.dataset.groups;
    this.names = view.pictures.names;
    this.labels = column(view.pictures.labels);
    this.groupOf = view.pictures.groups === null ? null : column(view.pictures.groups);
    this.#parts = column(view.pictures.parts);
    this.#partNames = view.pictures.part_names;
    this.sheets = new Sheets(view.sheets);
    this.corrections = view.corrections;
    const numbers = seriesOf(view.results.approaches.map(({ name }) => name));
    this.approaches = view.results.approaches.map(
      (result, place) => new Approach(numbers[place]!, result, view.predictions[result.name]!),
    );
  }

  /** Whether corrections are proposed: the table has more than its header. */
  get proposes(): boolean {
    return this.corrections.trimEnd().includes("\n");
  }

  get length(): number {
    return this.names.length;
  }

  /** The approaches, best first by the run's headline metric. */
  get ranked(): Approach[] {
    const headline = this.results.headline;
    const sign = (headline?.higher_is_better ?? true) ? 1 : -1;
    const worth = ({ scores }: Approach) =>
      scores ? sign * (scores.metrics?.[headline?.name ?? ""] ?? scores.accuracy) : -Infinity;
    const loss = (one: Approach) => one.scores?.loss ?? Infinity;
    return [...this.approaches].sort((a, b) => worth(b) - worth(a) || loss(a) - loss(b));
  }

  approach(name: string | undefined): Approach | undefined {
    return this.approaches.find((approach) => approach.name === name);
  }

  label(row: number): string {
    return this.classes[this.labels[row]!]!;
  }

  group(row: number): string | null {
    return this.groupOf && (this.groups[this.groupOf[row]!] ?? null);
  }

  /** The fold that held it out, "test", "training" (only trained on) or "kept out". */
  part(row: number): string {
    return this.#partNames[this.#parts[row]!]!;
  }

  /** The scored parts that exist; the first one ranks. */
  get parts(): Part[] {
    const some = this.results.approaches;
    return [
      ...(some.some((one) => one.out_of_fold) ? ["out of fold" as const] : []),
      ...(some.some((one) => one.test) ? ["test" as const] : []),
    ];
  }

  /** Rows of a scored part, ascending. */
  rowsOf(part: Part): number[] {
    // By position, as a fold can have the name of a group, such as "test".
    const last = this.#partNames.length - 1;
    return this.rows((row) => {
      const place = this.#parts[row]!;
      return part === "test" ? place === last : place >= FIRST_FOLD && place < last;
    });
  }

  /** Rows that pass, ascending. */
  rows(passes: (row: number) => boolean): number[] {
    const found: number[] = [];
    for (let row = 0; row < this.length; row++) if (passes(row)) found.push(row);
    return found;
  }

  right(approach: Approach, row: number): boolean {
    return approach.answer[row] === this.labels[row];
  }
}
