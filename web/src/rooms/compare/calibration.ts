/** How far confidence can be trusted, in words. */
import type { Scores } from "../../lib/run.ts";

export type Belief = "fair" | "overconfident" | "underconfident";

/** The calibration error, its interval, and whether chance alone would explain it. */
export function calibrationWords(scores: Scores): string[] {
  const { calibration_error: error, calibration_interval: interval } = scores;
  const chance = scores.calibration_null_level ?? null;
  const range = interval ? ` (95 % interval ${interval.map(inPoints).join("–")})` : "";
  const words = [`Confidence is off by ${inPoints(error)} points on average${range}.`];
  if (chance === null) return words;
  const expected = `Up to ${inPoints(chance)} would be expected by chance`;
  words.push(error <= chance ? `${expected}.` : `${expected}: the model is ${leaning(scores)}.`);
  return words;
}

function inPoints(share: number): string {
  return (100 * share).toFixed(1);
}

/** Whether it is over- or underconfident overall. */
function leaning({ reliability, accuracy }: Scores): string {
  const pictures = reliability.reduce((sum, bin) => sum + bin.pictures, 0);
  const stated = reliability.reduce((sum, bin) => sum + bin.pictures * bin.confidence, 0);
  const gap = stated / pictures - accuracy;
  if (Math.abs(gap) < 0.005) return "overconfident in places and underconfident in others";
  return gap > 0 ? "overconfident" : "underconfident";
}

/** Whether a group's mean confidence lies within the interval of its accuracy. */
export function belief(confidence: number, [low, high]: readonly [number, number]): Belief {
  if (confidence > high) return "overconfident";
  return confidence < low ? "underconfident" : "fair";
}
