/** When to trust an answer: `evaluation/trust.py` in TypeScript, without probes. */
import { NOTHING_DRAWN, type Thresholds } from "../lib/answer.ts";

// As in evaluation/trust.py.
const REFUSAL_RATE = 0.015;
const MOST_ERRORS = 0.05;
const SURE_ERRORS = 0.02;
const CONFIDENCE = 0.95;
const FLOOR = 0.5;
const STEPS = 40;
const UNEVEN = 5; // as in evaluation/headline.py

/** Predictions for n pictures by models that never saw them. */
export interface Judged {
  /** n times K. */
  probabilities: readonly Float64Array[];
  oodScore: readonly number[];
  labels: readonly number[];
}

export function thresholdsFrom(unseen: Judged): Thresholds {
  const { probabilities, oodScore, labels } = unseen;
  const drawn = oodScore.filter((score) => score < NOTHING_DRAWN);
  const rate = errorRate(unseen);
  const ofTruth = labels.map((label, i) => probabilities[i]![label]!);
  const least = -conformal(negated(ofTruth), rate);
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const uneven = Math.max(...counts.values()) >= UNEVEN * Math.min(...counts.values());
  const found: Thresholds = {
    least_probability: least,
    max_ood_score: conformal(drawn.length ? drawn : [...oodScore], REFUSAL_RATE),
    least_by_class: uneven ? byClass(unseen, ofTruth, rate, least) : null,
  };
  return { ...found, sure: { least_probability: sure(found, unseen) } };
}

function errorRate({ probabilities, labels }: Judged): number {
  const wrong = labels.filter((label, i) => best(probabilities[i]!) !== label).length;
  return Math.min(Math.max(wrong / labels.length / 2, 1 / (labels.length + 1)), MOST_ERRORS);
}

function byClass(
  { probabilities, labels }: Judged,
  ofTruth: readonly number[],
  rate: number,
  least: number,
): number[] {
  return Array.from(probabilities[0]!, (_, label) => {
    const values = ofTruth.filter((_, i) => labels[i] === label);
    const own = values.length ? -conformal(negated(values), rate) : least;
    return (values.length + 1) * rate >= 1 ? own : Math.min(own, least);
  });
}

/** The least probability of a sure answer, by tests in a fixed sequence; null if none holds. */
function sure(found: Thresholds, { probabilities, oodScore, labels }: Judged): number | null {
  const least = (place: number) => found.least_by_class?.[place] ?? found.least_probability;
  const candidates = probabilities
    .map((shares, i) => ({ shares, top: best(shares), i }))
    .filter(
      ({ shares, top, i }) =>
        shares.every((share, place) => place === top || share < least(place)) &&
        oodScore[i]! <= found.max_ood_score &&
        shares[top]! >= FLOOR,
    )
    .map(({ shares, top, i }) => ({ most: shares[top]!, wrong: top !== labels[i] }))
    .sort((a, b) => b.most - a.most);
  const fewest = Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - SURE_ERRORS));
  if (candidates.length < fewest) return null;
  let all = 0;
  const wrong = candidates.map((one) => (all += Number(one.wrong)));
  const from = Math.max(fewest, Math.floor(candidates.length / 2));
  const sizes = Array.from({ length: STEPS }, (_, n) =>
    Math.floor(from + ((candidates.length - from) * n) / (STEPS - 1)),
  );
  let lowest: number | null = null;
  for (const wanted of new Set(sizes)) {
    let size = wanted; // answers that are as probable as the last one are sure too
    while (size < candidates.length && candidates[size]!.most >= candidates[wanted - 1]!.most)
      size++;
    if (binomialTail(wrong[size - 1]!, size, SURE_ERRORS) > 1 - CONFIDENCE) break;
    lowest = candidates[size - 1]!.most;
  }
  return lowest;
}

/** The probability of at most this many errors if each picture is wrong with this rate. */
function binomialTail(errors: number, pictures: number, rate: number): number {
  let log = pictures * Math.log(1 - rate);
  let sum = Math.exp(log);
  for (let k = 1; k <= errors; k++) {
    log += Math.log((pictures - k + 1) / k) + Math.log(rate / (1 - rate));
    sum += Math.exp(log);
  }
  return Math.min(1, sum);
}

/** The threshold that a new value exceeds with probability `rate` at most (Vovk et al. 2005). */
function conformal(values: readonly number[], rate: number): number {
  const rank = Math.ceil((values.length + 1) * (1 - rate));
  return [...values].sort((a, b) => a - b)[Math.min(rank, values.length) - 1]!;
}

/** The place of the largest value; of equal ones the first. */
export function best(values: ArrayLike<number>): number {
  let found = 0;
  for (let n = 1; n < values.length; n++) if (values[n]! > values[found]!) found = n;
  return found;
}

function negated(values: readonly number[]): number[] {
  return values.map((value) => -value);
}
