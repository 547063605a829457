/** How far confidence can be trusted, in figures and words. */
import { decimal, t } from "../../lib/language.svelte.ts";
import type { Scores } from "../../lib/run.ts";

export type Belief = "fair" | "overconfident" | "underconfident";

/** A figure with what it means. */
export interface Figure {
  name: string;
  value: string;
  notes: string[];
}

/** The calibration error, its interval, and whether chance alone would explain it. */
export function calibrationFigure(scores: Scores): Figure {
  const { calibration_error: error, calibration_interval: interval } = scores;
  const chance = scores.calibration_null_level ?? null;
  const notes = [
    ...(interval
      ? [t("calibration.interval", { interval: interval.map(inPoints).join("–") })]
      : []),
    ...(chance === null ? [] : [t("calibration.chance", { chance: inPoints(chance) })]),
    ...(chance === null || error <= chance ? [] : [t(`calibration.${leaning(scores)}`)]),
  ];
  return {
    name: t("calibration.off"),
    value: t("calibration.points", { n: inPoints(error) }),
    notes,
  };
}

/** How far the frequencies of classes differ from their probabilities; null in older runs. */
export function byClassFigure({ per_class, classwise_null_level: chance }: Scores): Figure | null {
  const errors = per_class.flatMap(({ name, calibration_error: error }) =>
    typeof error === "number" ? [{ name, error }] : [],
  );
  if (!errors.length || typeof chance !== "number") return null;
  const worst = errors.reduce((a, b) => (b.error > a.error ? b : a));
  const mean = errors.reduce((sum, { error }) => sum + error, 0) / errors.length;
  return {
    name: t("calibration.byClass"),
    value: t("calibration.points", { n: inPoints(mean) }),
    notes: [
      t("calibration.chance", { chance: inPoints(chance) }),
      t("calibration.most", { name: worst.name, worst: inPoints(worst.error) }),
    ],
  };
}

function inPoints(share: number): string {
  return decimal(100 * share, 1);
}

/** Whether it is over- or underconfident overall. */
function leaning({ reliability, accuracy }: Scores): "over" | "under" | "both" {
  const pictures = reliability.reduce((sum, bin) => sum + bin.pictures, 0);
  const stated = reliability.reduce((sum, bin) => sum + bin.pictures * bin.confidence, 0);
  const gap = stated / pictures - accuracy;
  if (Math.abs(gap) < 0.005) return "both";
  return gap > 0 ? "over" : "under";
}

/** Whether a group's mean confidence lies within the interval of its accuracy. */
export function belief(confidence: number, [low, high]: readonly [number, number]): Belief {
  if (confidence > high) return "overconfident";
  return confidence < low ? "underconfident" : "fair";
}
