/** The learning curves of a run, also as rows of a table. */
import type { LearningCurve } from "../../charts/learning.ts";
import type { Approach, Run } from "../../lib/run.ts";
import type { Row } from "../../lib/table.ts";

export interface ApproachCurve {
  approach: Approach;
  curve: LearningCurve;
}

/** Of the approaches that have one, the best first. */
export function learningCurves(run: Run): ApproachCurve[] {
  return run.ranked.flatMap((approach) => {
    const curve = approach.result.learning;
    return curve?.points.length ? [{ approach, curve }] : [];
  });
}

export function learningRows(known: readonly ApproachCurve[]): Row[] {
  const head = ["approach", "kind", "pictures", "accuracy", "lower", "upper", "fits"];
  const rows = known.flatMap(({ approach, curve }) => [
    ...curve.points.map((one): Row => [
      approach.name,
      "measured",
      ...[one.pictures, one.accuracy, ...one.interval, one.fits],
    ]),
    ...curve.forecasts.map((one): Row => [
      approach.name,
      "forecast",
      ...[one.pictures, one.accuracy, ...one.interval],
      "",
    ]),
  ]);
  return [head, ...rows];
}
