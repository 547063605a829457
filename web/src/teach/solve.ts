/** Teach a model more: solve it again with further pictures, and score it as a run is scored. */
import type { Thresholds } from "../lib/answer.ts";
import { shareInterval, softmax, temperatureOf, type Interval } from "./calibrate.ts";
import { foldsWith } from "./folds.ts";
import type { Lessons } from "./lessons.ts";
import {
  meanRow,
  predicted,
  productsOf,
  ridge,
  weightsOf,
  type Ridge,
  type Rows,
} from "./ridge.ts";
import { best, thresholdsFrom } from "./thresholds.ts";

export const FEWEST = 5; // pictures of a class that are scored, to state its score
const SHARPNESS = 10; // logits over predictions, as in approaches/scattering.py
const NEAREST = 3; // pictures that a new one is compared with

/** A picture that was added, with the number of its class. */
export interface Added {
  features: Float32Array;
  label: number;
}

/** Right answers to pictures of which the model in question saw none. */
export interface Score {
  pictures: number;
  right: number;
  /** 95 %. */
  interval: Interval;
}

/** What the page needs to answer. */
export interface Head {
  /** D×K and K. */
  weights: Float32Array;
  bias: Float32Array;
  temperature: number;
  trust: Thresholds;
  /** D: the mean of all pictures. */
  mean: Float32Array;
  /** n times D: the direction of each picture from the mean, with a length of 1. */
  exemplars: Float32Array[];
}

export interface Taught {
  head: Head;
  score: Score;
  /** Of each class; of pictures that no model can be scored on, none are counted. */
  classes: Score[];
  /** n×K out-of-fold probabilities by row; null where a picture cannot be scored. */
  probabilities: (Float64Array | null)[];
  folds: Int32Array;
}

/** Called with the share of the work that is done. */
export type Progress = (share: number) => void;

/** The products of what the lessons hold, which stay the same whatever is added. */
export function known(lessons: Lessons): { x: Float32Array[]; gram: Float64Array; size: number } {
  const x = rowsOf(lessons);
  return { x, gram: productsOf(x), size: x.length };
}

export function teach(
  lessons: Lessons,
  before: ReturnType<typeof known>,
  added: readonly Added[],
  classes: number,
  progress: Progress = () => {},
): Taught {
  const x = [...before.x, ...added.map(({ features }) => features)];
  const labels = [...lessons.labels, ...added.map(({ label }) => label)];
  const rows: Rows = { ...before, labels, classes, balance: lessons.balance };
  const all: Rows = { ...rows, gram: productsOf(x, rows), size: x.length };
  const folds = foldsWith(lessons.folds, all);
  const count = Math.max(...folds) + 1;
  // The work of a ridge grows with the cube of its pictures.
  const steps = count * (1 - 1 / count) ** 3 + 1;
  const probabilities: Taught["probabilities"] = x.map(() => null);
  const [logits, oodScores] = [new Map<number, Float64Array>(), new Map<number, number>()];
  let trained = 0;
  for (let fold = 0; fold < count; fold++) {
    const train = rowsWhere(folds, (one) => one !== fold);
    const heldOut = rowsWhere(folds, (one) => one === fold).filter((row) =>
      train.some((other) => labels[other] === labels[row]),
    );
    if (!heldOut.length) continue;
    const fitted = ridge(all, train);
    const temperature = temperatureOf(scaled(fitted.leftOut), labelsOf(all, train));
    const answers = scaled(predicted(all, fitted, heldOut));
    heldOut.forEach((row, i) => {
      logits.set(row, answers.slice(i * classes, (i + 1) * classes));
      probabilities[row] = softmax(logits.get(row)!, temperature);
      oodScores.set(row, farness(all, fitted, row));
    });
    trained += train.length * heldOut.length;
    progress(((fold + 1) * (1 - 1 / count) ** 3) / steps);
  }
  const scored = [...logits.keys()].sort((a, b) => a - b);
  const fitted = ridge(
    all,
    rowsWhere(folds, () => true),
  );
  const gain = Math.min(1, trained / scored.length / x.length);
  const right = (row: number) => best(probabilities[row]!) === labels[row];
  const scoreOf = (some: readonly number[]): Score => {
    const good = some.filter(right).length;
    return { pictures: some.length, right: good, interval: shareInterval(good, some.length, gain) };
  };
  const unseen = Float64Array.from(scored.flatMap((row) => [...logits.get(row)!]));
  const trust = thresholdsFrom({
    probabilities: scored.map((row) => probabilities[row]!),
    oodScore: scored.map((row) => oodScores.get(row)!),
    labels: scored.map((row) => labels[row]!),
  });
  const ofScored = scored.map((row) => labels[row]!);
  progress(1);
  return {
    head: headOf(fitted, x, classes, temperatureOf(unseen, ofScored), trust),
    score: scoreOf(scored),
    classes: Array.from({ length: classes }, (_, label) =>
      scoreOf(scored.filter((row) => labels[row] === label)),
    ),
    probabilities,
    folds,
  };
}

/** K probabilities and an out-of-distribution score for the features of a picture. */
export function answerFrom(
  { weights, bias, temperature, mean, exemplars }: Head,
  features: Float32Array,
): { probabilities: Float64Array; oodScore: number } {
  const classes = bias.length;
  const logits = Float64Array.from(bias);
  for (let d = 0; d < features.length; d++)
    for (let c = 0; c < classes; c++) logits[c]! += features[d]! * weights[d * classes + c]!;
  const apart = features.map((value, d) => value - mean[d]!);
  const length = Math.sqrt(apart.reduce((sum, value) => sum + value * value, 0)) || 1;
  const similar = exemplars.map(
    (one) => one.reduce((sum, value, d) => sum + value * apart[d]!, 0) / length,
  );
  return {
    probabilities: softmax(scaled(logits), temperature),
    oodScore: apartFrom(similar),
  };
}

function headOf(
  fitted: Ridge,
  x: readonly Float32Array[],
  classes: number,
  temperature: number,
  trust: Thresholds,
): Head {
  const mean = Float32Array.from(meanRow(fitted, x));
  const exemplars = x.map((row) => {
    const apart = row.map((value, d) => value - mean[d]!);
    const length = Math.sqrt(apart.reduce((sum, value) => sum + value * value, 0)) || 1;
    return apart.map((value) => value / length);
  });
  return { ...weightsOf(fitted, x, classes), temperature, trust, mean, exemplars };
}

/** How unlike the pictures of a ridge a row is, from their products. */
function farness(all: Rows, fitted: Ridge, row: number): number {
  const product = (one: number, other: number) => all.gram[one * all.size + other]!;
  let own = 0;
  fitted.rows.forEach((other, j) => (own += fitted.share[j]! * product(row, other)));
  const length = Math.sqrt(Math.max(product(row, row) - 2 * own + fitted.overall, 1e-12));
  const similar = Array.from(fitted.rows, (other, j) => {
    const [middle, overall] = [fitted.middle[j]!, fitted.overall];
    const theirs = Math.sqrt(Math.max(product(other, other) - 2 * middle + overall, 1e-12));
    return (product(row, other) - own - middle + overall) / length / theirs;
  });
  return apartFrom(similar);
}

/** One less the mean similarity to the nearest (Sun et al., 2022). */
function apartFrom(similar: number[]): number {
  const nearest = similar.sort((a, b) => b - a).slice(0, NEAREST);
  return 1 - nearest.reduce((a, b) => a + b, 0) / nearest.length;
}

function rowsOf({ features, width }: Lessons): Float32Array[] {
  return Array.from({ length: features.length / width }, (_, row) =>
    features.subarray(row * width, (row + 1) * width),
  );
}

function rowsWhere(folds: Int32Array, wanted: (fold: number) => boolean): Int32Array {
  return Int32Array.from([...folds.keys()].filter((row) => wanted(folds[row]!)));
}

function labelsOf({ labels }: Rows, rows: Int32Array): number[] {
  return Array.from(rows, (row) => labels[row]!);
}

function scaled(answers: Float64Array): Float64Array {
  return answers.map((value) => SHARPNESS * value);
}
