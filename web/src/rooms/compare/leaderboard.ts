/** The columns of the leaderboard: their texts, and the values they sort by. */
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
  /** An explanation of the title. */
  about: string;
  /** The value it sorts by; null if unknown. */
  value: (approach: Approach) => number | null;
  text: (value: number) => string;
  /** Its 95 % interval as text; null if unknown. */
  interval?: (approach: Approach) => string | null;
  /** Which end is better. */
  best: "least" | "most";
  /** Whether to leave it out on paper, where space is short. */
  extra?: boolean;
}

/** The metrics of a run that have no column of their own with an interval. */
export function otherMetrics(approaches: readonly Approach[]): string[] {
  const own = new Set(["accuracy", "loss", "calibration_error"]);
  const names = approaches.flatMap((approach) => Object.keys(approach.scores?.metrics ?? {}));
  return [...new Set(names)].filter((name) => !own.has(name));
}

/** A metric of the table in `evaluation/metrics.py`: of losses and errors the least is best. */
function metricColumn(name: string, digits: number): Column {
  const title = name.replaceAll("_", " ").replace(/\bf1\b/, "F1");
  return {
    key: name,
    title: title.charAt(0).toUpperCase() + title.slice(1),
    about: METRICS[name] ?? "A metric of this run",
    value: (one) => one.scores?.metrics?.[name] ?? null,
    text: (value) => (value >= 0 && value <= 1 ? percent(value, digits) : figure(value)),
    best: /(loss|error)$/.test(name) ? "least" : "most",
    extra: true,
  };
}

const METRICS: Record<string, string> = {
  balanced_accuracy: "Mean recall of the classes: small classes count as much as large ones",
  macro_f1: "Mean F1 of the classes: small classes count as much as large ones",
};

export function columns(
  digits: number,
  twoParts: boolean,
  part: string,
  metrics: readonly string[] = [],
): Column[] {
  const share = (value: number) => percent(value, digits);
  return [
    {
      key: "accuracy",
      title: part,
      about: "Share of correct answers, with its 95 % interval",
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
            about: "Accuracy on pictures that were set aside and used once, at the end",
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
      about: "Counts confidence too; 0 is best",
      value: (one) => one.scores?.loss ?? null,
      text: (value) => figure(value),
      interval: (one) => (one.scores?.loss_interval ? figures(one.scores.loss_interval) : null),
      best: "least",
    },
    {
      key: "calibration",
      title: "Calibration error",
      about: "How far confidence and accuracy differ on average",
      value: (one) => one.scores?.calibration_error ?? null,
      text: (value) => percent(value),
      interval: (one) =>
        one.scores?.calibration_interval ? percents(one.scores.calibration_interval) : null,
      best: "least",
    },
    {
      key: "size",
      title: "Size",
      about: "Size of its bundle, or of its weights if there is no bundle",
      value: (one) => one.result.bytes,
      text: megabytes,
      best: "least",
    },
    {
      key: "parameters",
      title: "Parameters",
      about: "Number of trained parameters",
      value: (one) => one.result.parameters,
      text: count,
      best: "least",
    },
    {
      key: "training",
      title: "Training",
      about: "Time for all folds and the final fit",
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
      about: "Most memory that the process used while it trained",
      value: (one) => one.result.peak_memory_mb,
      text: (value) => megabytes(1e6 * value),
      best: "least",
    },
    ...metrics.map((name) => metricColumn(name, digits)),
  ];
}

/** The approaches in the order of a column, the best first, unknown values last. */
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

/** The best value of a column, if the approaches differ in it. */
export function bestOf(approaches: readonly Approach[], column: Column): number | null {
  const known = approaches.flatMap((approach) => column.value(approach) ?? []);
  if (new Set(known).size < 2) return null;
  return column.best === "least" ? Math.min(...known) : Math.max(...known);
}

/** Ranks from 1, by accuracy and then by loss; equals share a rank; null without scores. */
export function ranks(ranked: readonly Approach[]): Map<Approach, number | null> {
  const same = (a: Approach, b: Approach) =>
    a.scores?.accuracy === b.scores?.accuracy && a.scores?.loss === b.scores?.loss;
  return new Map(
    ranked.map((approach) => [
      approach,
      approach.scores ? 1 + ranked.findIndex((other) => same(approach, other)) : null,
    ]),
  );
}
