/** Ridge classification in closed form: `training/ridge.py` in TypeScript, from products of rows.
 *
 * A ridge fitted to all rows says what one fitted to all but one row would have predicted for that
 * row (Allen's PRESS, 1974). That chooses its strength.
 */
import { Tridiagonal } from "./tridiagonal.ts";

// As in training/ridge.py.
const STRENGTHS = Array.from({ length: 17 }, (_, n) => 10 ** ((n - 12) / 3));
const SHARPNESS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/** The products of all rows, n×n, and what is to be learned of some of them. */
export interface Rows {
  gram: Float64Array;
  size: number;
  /** n class numbers. */
  labels: ArrayLike<number>;
  classes: number;
  /** How much a row of a rare class counts: the power of its class's share of rows, negated. */
  balance: number;
}

/** A ridge that was fitted to m of n rows. */
export interface Ridge {
  rows: Int32Array;
  strength: number;
  /** m×K, what a ridge on all other rows predicts for each; about 1 for the class and 0 else. */
  leftOut: Float64Array;
  /** m×K: predictions are sums of products with centred rows, times these. */
  coefficients: Float64Array;
  /** K, the shares of the classes. */
  mean: Float64Array;
  /** m, the share of each row in all sums, which together are 1. */
  share: Float64Array;
  /** m, the mean product of each row with all, and the mean of these. */
  middle: Float64Array;
  overall: number;
}

export function ridge(all: Rows, rows: Int32Array): Ridge {
  const [m, classes] = [rows.length, all.classes];
  const share = shares(all, rows);
  const root = share.map((value) => Math.sqrt(value * m));
  const middle = meansWith(all, rows, share, rows);
  const overall = sum(middle.map((value, i) => value * share[i]!));
  const mean = new Float64Array(classes);
  rows.forEach((row, i) => (mean[all.labels[row]!]! += share[i]!));

  const products = new Float64Array(m * m);
  let length = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const one = all.gram[rows[i]! * all.size + rows[j]!]! - middle[i]! - middle[j]! + overall;
      products[i * m + j] = one * root[i]! * root[j]!;
    }
    length += products[i * m + i]!;
  }
  const targets = new Float64Array(m * classes);
  for (let i = 0; i < m; i++)
    for (let c = 0; c < classes; c++)
      targets[i * classes + c] = Number(all.labels[rows[i]!] === c) - mean[c]!;
  const weighted = targets.map((value, at) => value * root[Math.floor(at / classes)]!);

  const solver = new Tridiagonal(products, m);
  const labels = Array.from(rows, (row) => all.labels[row]!);
  let best: { loss: number; strength: number; leftOut: Float64Array; x: Float64Array } | null =
    null;
  for (const strength of STRENGTHS) {
    const penalty = strength * Math.max(length / m, 1e-12);
    const { x, diagonal } = solver.solve(penalty, weighted, classes);
    const leftOut = targets.map((target, at) => {
      const i = Math.floor(at / classes);
      const remaining = Math.max(penalty * diagonal[i]! - share[i]!, 1e-9); // 1 - leverage
      return target - (penalty * x[at]!) / root[i]! / remaining + mean[at % classes]!;
    });
    const loss = Math.min(...SHARPNESS.map((factor) => crossEntropy(leftOut, labels, factor)));
    if (!best || loss < best.loss) best = { loss, strength, leftOut, x };
  }
  const { strength, leftOut, x } = best!;
  const coefficients = x.map((value, at) => value * root[Math.floor(at / classes)]!);
  return { rows, strength, leftOut, coefficients, mean, share, middle, overall };
}

/** What a ridge predicts for any of the n rows, of which it may not have seen some: m'×K. */
export function predicted(all: Rows, fitted: Ridge, rows: Int32Array): Float64Array {
  const { classes } = all;
  const found = new Float64Array(rows.length * classes);
  const own = meansWith(all, rows, fitted.share, fitted.rows);
  rows.forEach((row, i) => {
    found.set(fitted.mean, i * classes);
    fitted.rows.forEach((other, j) => {
      const product =
        all.gram[row * all.size + other]! - own[i]! - fitted.middle[j]! + fitted.overall;
      for (let c = 0; c < classes; c++)
        found[i * classes + c]! += product * fitted.coefficients[j * classes + c]!;
    });
  });
  return found;
}

/** The weights of the features, D×K, and K biases, from the n×D rows themselves. */
export function weightsOf(
  fitted: Ridge,
  x: readonly Float32Array[],
  classes: number,
): { weights: Float32Array; bias: Float32Array } {
  const width = x[0]!.length;
  const mean = meanRow(fitted, x);
  const weights = new Float64Array(width * classes);
  fitted.rows.forEach((row, i) => {
    for (let d = 0; d < width; d++) {
      const apart = x[row]![d]! - mean[d]!;
      for (let c = 0; c < classes; c++)
        weights[d * classes + c]! += apart * fitted.coefficients[i * classes + c]!;
    }
  });
  const bias = Float64Array.from(fitted.mean);
  for (let d = 0; d < width; d++)
    for (let c = 0; c < classes; c++) bias[c]! -= mean[d]! * weights[d * classes + c]!;
  return { weights: new Float32Array(weights), bias: new Float32Array(bias) };
}

/** D, the mean of the rows of a ridge, by their shares. */
export function meanRow(fitted: Ridge, x: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(x[0]!.length);
  fitted.rows.forEach((row, i) => {
    for (let d = 0; d < mean.length; d++) mean[d]! += fitted.share[i]! * x[row]![d]!;
  });
  return mean;
}

/** The products of n rows with each other, n×n, with those of the first rows as far as known. */
export function productsOf(x: readonly Float32Array[], known?: Rows): Float64Array {
  const n = x.length;
  const old = known?.size ?? 0;
  const gram = new Float64Array(n * n);
  for (let i = 0; i < old; i++) gram.set(known!.gram.subarray(i * old, (i + 1) * old), i * n);
  const BLOCK = 32; // rows that stay in the cache
  for (let first = old; first < n; first += BLOCK)
    for (let other = 0; other < Math.min(first + BLOCK, n); other += BLOCK)
      for (let i = first; i < Math.min(first + BLOCK, n); i++)
        for (let j = other; j < Math.min(other + BLOCK, i + 1); j++)
          gram[i * n + j] = gram[j * n + i] = dot(x[i]!, x[j]!);
  return gram;
}

function dot(a: Float32Array, b: Float32Array): number {
  let [one, two, three, four] = [0, 0, 0, 0];
  const even = a.length - (a.length % 4);
  for (let d = 0; d < even; d += 4) {
    one += a[d]! * b[d]!;
    two += a[d + 1]! * b[d + 1]!;
    three += a[d + 2]! * b[d + 2]!;
    four += a[d + 3]! * b[d + 3]!;
  }
  for (let d = even; d < a.length; d++) one += a[d]! * b[d]!;
  return one + two + three + four;
}

function shares({ labels, classes, balance }: Rows, rows: Int32Array): Float64Array {
  const counts = new Float64Array(classes);
  for (const row of rows) counts[labels[row]!]!++;
  const weights = Float64Array.from(rows, (row) => counts[labels[row]!]! ** -balance);
  const all = sum(weights);
  return weights.map((weight) => weight / all);
}

/** The mean product of each of `rows` with `others`, by the shares of these. */
function meansWith(
  { gram, size }: Rows,
  rows: Int32Array,
  share: Float64Array,
  others: Int32Array,
): Float64Array {
  return Float64Array.from(rows, (row) => {
    let mean = 0;
    for (let j = 0; j < others.length; j++) mean += share[j]! * gram[row * size + others[j]!]!;
    return mean;
  });
}

function crossEntropy(answers: Float64Array, labels: readonly number[], factor: number): number {
  const classes = answers.length / labels.length;
  let loss = 0;
  labels.forEach((label, i) => {
    const logits = answers.subarray(i * classes, (i + 1) * classes);
    const most = Math.max(...logits) * factor;
    let total = 0;
    for (const logit of logits) total += Math.exp(logit * factor - most);
    loss += Math.log(total) + most - logits[label]! * factor;
  });
  return loss / labels.length;
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
