/** Accuracy by labels spent: the runs on a set beside what random picks would bring. */
import type { LearningCurve } from "../../charts/learning.ts";
import { get, type Schema } from "../../lib/api.ts";

type Results = Schema["Results"];

/** What is known of a run on the set. */
export interface Step {
  run: string;
  pictures: number;
  accuracy: number;
  interval: [number, number];
  /** The learning curve of its best approach, if one was asked for. */
  learning: LearningCurve | null;
}

export async function stepOf(run: string): Promise<Step | null> {
  return step(run, await get<Results>(`/api/runs/${encodeURIComponent(run)}`));
}

export function step(run: string, results: Results): Step | null {
  const scored = results.approaches.flatMap((one) =>
    one.out_of_fold ? [{ score: one.out_of_fold, learning: one.learning ?? null }] : [],
  );
  scored.sort((a, b) => b.score.accuracy - a.score.accuracy);
  const best = scored[0];
  if (!best) return null;
  const { accuracy, interval } = best.score;
  const [low, high] = interval;
  const { pictures } = results.dataset;
  return { run, pictures, accuracy, interval: [low!, high!], learning: best.learning };
}

/** The runs as measured points, on the law that the first run forecast for random picks. */
export function curveOf(steps: readonly Step[]): LearningCurve | null {
  const byPictures = [...steps].sort((a, b) => a.pictures - b.pictures);
  const first = byPictures[0];
  if (!first) return null;
  const law = first.learning;
  return {
    points: byPictures.map(({ pictures, accuracy, interval }) => ({
      ...(first.learning?.points.at(-1) ?? { share: 1, spread: 0 }),
      pictures,
      accuracy,
      interval,
    })) as LearningCurve["points"],
    floor: law?.floor ?? 0,
    scale: law?.scale ?? 0,
    exponent: law?.exponent ?? 0,
    forecasts: law?.forecasts ?? [],
    words: law?.words ?? "",
  };
}
