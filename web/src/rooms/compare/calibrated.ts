/** How far stated confidence can be believed, in words. */
import { percent, percents } from "../../lib/format.ts";
import type { Scores } from "../../lib/run.ts";

export type Belief = "fair" | "too sure" | "too modest";

/** The calibration error, how well it is known, and whether luck alone would explain it. */
export function calibrationWords(scores: Scores): string[] {
  const { calibration_error: error, calibration_interval: interval } = scores;
  const luck = scores.calibration_null_level ?? null;
  const words = [
    `Calibration error ${percent(error)}${interval ? ` (95 % interval ${percents(interval)})` : ""}.`,
  ];
  if (luck === null) return words;
  const few = `a perfectly calibrated model would show up to ${percent(luck)} on so many pictures`;
  words.push(
    error <= luck
      ? `That is within what luck alone gives: ${few}.`
      : `That is more than luck gives: ${few}. It is ${leaning(scores)}.`,
  );
  return words;
}

/** To which side it errs on the whole. */
function leaning({ reliability, accuracy }: Scores): string {
  const pictures = reliability.reduce((sum, bin) => sum + bin.pictures, 0);
  const stated = reliability.reduce((sum, bin) => sum + bin.pictures * bin.confidence, 0);
  const gap = stated / pictures - accuracy;
  if (Math.abs(gap) < 0.005) return "here too sure and there too modest";
  return gap > 0 ? "too sure of itself" : "too modest";
}

/** Whether a group's stated confidence lies within the interval of its accuracy. */
export function belief(confidence: number, [low, high]: readonly [number, number]): Belief {
  if (confidence > high) return "too sure";
  return confidence < low ? "too modest" : "fair";
}
