/** A model's answer for one picture, and whether to trust it: `bundle/answer.py` in TypeScript. */
import type { PictureAnswer } from "./models.ts";
import type { Schema } from "./api.ts";

export type Thresholds = Pick<Schema["Trust"], "least_probability" | "max_ood_score"> & {
  /** Where classes are uneven. */
  least_by_class?: readonly number[] | null;
  /** Older bundles have none. */
  sure?: { least_probability: number | null; max_ood_score?: number | null } | null;
};

/** The score of a picture on which nothing is drawn: `NOTHING_DRAWN` in evaluation/records.py. */
export const NOTHING_DRAWN = 1e6;

export const TOO_FEW = "not enough pictures to be sure";
export const MOST_NAMED = 4; // classes between which an answer lies

/** The thresholds of a bundle.json, of which schema 1 has one under another name. */
export function thresholdsOf(
  trust: Thresholds | { least_probability: number; most_strangeness: number } | null,
): Thresholds | null {
  if (!trust || "max_ood_score" in trust) return trust;
  return { least_probability: trust.least_probability, max_ood_score: trust.most_strangeness };
}

/** The answer for K probabilities and an out-of-distribution score.
 *
 * Without thresholds every answer is "sure": no pictures were left to set them on.
 */
export function answerOf(
  name: string,
  probabilities: ArrayLike<number>,
  oodScore: number,
  classes: readonly string[],
  trust: Thresholds | null,
  top: number,
  cost: readonly ConfusionCost[] = [],
): PictureAnswer {
  const places = classes
    .map((label, place) => ({ label, place, probability: probabilities[place]! }))
    .sort((a, b) => b.probability - a.probability); // stable, as in Python
  const [best, ...others] = places;
  const ranking = places.map(({ label, probability }) => ({ label, probability }));
  const least = (place: number) => trust!.least_by_class?.[place] ?? trust!.least_probability;
  const likely = trust ? others.filter((one) => one.probability >= least(one.place)) : [];
  const possible = [best!, ...likely].map((one) => one.label);
  const strange = trust !== null && oodScore > trust.max_ood_score;
  const rule = trust?.sure ?? null;
  const verdict = verdictOf(oodScore, strange, likely.length > 0, best!.probability, rule);
  return {
    name,
    path: name,
    label: best!.label,
    probability: best!.probability,
    verdict,
    words: wordsOf(verdict, possible, rule),
    possible,
    top: ranking.slice(0, top),
    ood_score: oodScore,
    cheapest: cost.length ? cheapestOf(probabilities, classes, cost) : null,
  };
}

export type ConfusionCost = Schema["ConfusionCost"];

/** The class of least expected cost; wrong answers cost 1 where no other cost is given. */
function cheapestOf(
  probabilities: ArrayLike<number>,
  classes: readonly string[],
  cost: readonly ConfusionCost[],
): string {
  const shares = new Map(classes.map((label, place) => [label, probabilities[place]!]));
  const expected = new Map(classes.map((label) => [label, 1 - shares.get(label)!]));
  for (const { truth, answer, cost: paid } of cost) {
    const usual = truth === answer ? 0 : 1;
    expected.set(answer, expected.get(answer)! + shares.get(truth)! * (paid - usual));
  }
  return classes.reduce((a, b) => (expected.get(b)! < expected.get(a)! ? b : a));
}

type SureRule = NonNullable<Thresholds["sure"]>;

function verdictOf(
  oodScore: number,
  strange: boolean,
  several: boolean,
  probability: number,
  rule: SureRule | null,
): PictureAnswer["verdict"] {
  if (oodScore >= NOTHING_DRAWN) return "nothing drawn";
  if (strange) return "out of distribution";
  if (several) return "between";
  const familiar = oodScore <= (rule?.max_ood_score ?? Infinity);
  const sure = !rule || (familiar && probability >= (rule.least_probability ?? Infinity));
  return sure ? "sure" : "unsure";
}

function wordsOf(
  verdict: PictureAnswer["verdict"],
  possible: readonly string[],
  rule: SureRule | null,
): string {
  if (verdict === "between") return betweenWords(possible);
  if (verdict === "out of distribution") return "none of these";
  if (verdict !== "unsure") return verdict;
  return rule?.least_probability == null ? TOO_FEW : "not sure";
}

/** Whether a picture is unlike everything that the model was trained on.
 *
 * Servers up to 0.1 call that verdict "none of these", as the page still does.
 */
export function isOutOfDistribution(answer: Pick<PictureAnswer, "verdict">): boolean {
  const verdict: string = answer.verdict;
  return verdict === "out of distribution" || verdict === "none of these";
}

/** Whether nothing is drawn, so that there is no answer. */
export function isBlank(answer: Pick<PictureAnswer, "verdict">): boolean {
  return answer.verdict === "nothing drawn";
}

/** The verdict in a word: its icon and its colour. */
export function verdictKind(answer: Pick<PictureAnswer, "verdict">): "sure" | "between" | "none" {
  if (isOutOfDistribution(answer) || isBlank(answer)) return "none";
  return answer.verdict === "sure" ? "sure" : "between";
}

function betweenWords(possible: readonly string[]): string {
  const named = possible.slice(0, MOST_NAMED);
  const more = possible.length > MOST_NAMED ? " …" : "";
  return `between ${named.slice(0, -1).join(", ")} and ${named.at(-1)}${more}`;
}
