/** The columns of the leaderboard: what each says, and what a sort goes by. */
import {
  count,
  figure,
  figures,
  megabytes,
  milliseconds,
  percent,
  percents,
  seconds,
} from "../../lib/format.ts";
import type { Approach } from "../../lib/run.ts";

export interface Column {
  key: string;
  title: string;
  /** What the title means, for those who do not know. */
  about: string;
  /** What it is sorted by; null where it is not known. */
  value: (approach: Approach) => number | null;
  text: (value: number) => string;
  /** Its 95 % interval in words; null where it is not known. */
  interval?: (approach: Approach) => string | null;
  /** Which end is the better one, if any is. */
  best: "least" | "most";
}

export function columns(digits: number, twoParts: boolean, part: string): Column[] {
  const share = (value: number) => percent(value, digits);
  return [
    {
      key: "accuracy",
      title: part,
      about: "Share of the pictures that were recognised, with its 95 % interval",
      value: (one) => one.scores?.accuracy ?? null,
      text: share,
      interval: (one) => one.scores && percents(one.scores.interval, digits),
      best: "most",
    },
    ...(twoParts
      ? [
          {
            key: "test",
            title: "Locked test",
            about: "Accuracy on pictures that were set aside and looked at once, at the end",
            value: (one: Approach) => one.result.test?.accuracy ?? null,
            text: share,
            interval: (one: Approach) =>
              one.result.test && percents(one.result.test.interval, digits),
            best: "most" as const,
          },
        ]
      : []),
    {
      key: "loss",
      title: "Loss",
      about: "Also counts how sure an answer was; 0 is best",
      value: (one) => one.scores?.loss ?? null,
      text: (value) => figure(value),
      interval: (one) => (one.scores?.loss_interval ? figures(one.scores.loss_interval) : null),
      best: "least",
    },
    {
      key: "calibration",
      title: "Calibration error",
      about: "How far stated confidence and actual accuracy lie apart",
      value: (one) => one.scores?.calibration_error ?? null,
      text: (value) => percent(value),
      interval: (one) =>
        one.scores?.calibration_interval ? percents(one.scores.calibration_interval) : null,
      best: "least",
    },
    {
      key: "size",
      title: "Size",
      about: "Of its bundle, or of its weights where there is none",
      value: (one) => one.result.bytes,
      text: megabytes,
      best: "least",
    },
    {
      key: "parameters",
      title: "Parameters",
      about: "Numbers that were learnt",
      value: (one) => one.result.parameters,
      text: count,
      best: "least",
    },
    {
      key: "training",
      title: "Training",
      about: "Time of all folds and of the final fit",
      value: (one) => one.result.seconds.folds + one.result.seconds.final,
      text: seconds,
      best: "least",
    },
    {
      key: "one",
      title: "One picture",
      about: "Median time from raw pixels to the answer",
      value: (one) => one.result.latency.batch_1_ms,
      text: milliseconds,
      best: "least",
    },
    {
      key: "batch",
      title: "64 at once",
      about: "Median time of a batch of 64 pictures",
      value: (one) => one.result.latency.batch_64_ms,
      text: milliseconds,
      best: "least",
    },
    {
      key: "memory",
      title: "Peak memory",
      about: "The most the whole process held while it trained",
      value: (one) => one.result.peak_memory_mb,
      text: (value) => megabytes(1e6 * value),
      best: "least",
    },
  ];
}

/** The approaches in the order of a column, the best first; what is not known comes last. */
export function sorted(approaches: readonly Approach[], column: Column): Approach[] {
  const sign = column.best === "least" ? 1 : -1;
  const worth = (one: Approach) => {
    const value = column.value(one);
    return value === null ? Infinity : sign * value;
  };
  return [...approaches].sort((a, b) => {
    const [one, other] = [worth(a), worth(b)];
    return one === other ? 0 : one - other;
  });
}

/** The best value of a column, where approaches differ in it. */
export function bestOf(approaches: readonly Approach[], column: Column): number | null {
  const known = approaches.flatMap((one) => column.value(one) ?? []);
  if (new Set(known).size < 2) return null;
  return column.best === "least" ? Math.min(...known) : Math.max(...known);
}

/** Ranks from 1, by accuracy and then by loss; equals share one; null where there are no scores. */
export function ranks(ranked: readonly Approach[]): Map<Approach, number | null> {
  const same = (a: Approach, b: Approach) =>
    a.scores?.accuracy === b.scores?.accuracy && a.scores?.loss === b.scores?.loss;
  return new Map(
    ranked.map((one) => [
      one,
      one.scores ? 1 + ranked.findIndex((other) => same(one, other)) : null,
    ]),
  );
}
