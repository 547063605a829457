/** The columns of the leaderboard: their texts, and the values they sort by. */
import {
  capital,
  count,
  figure,
  figures,
  megabytes,
  milliseconds,
  percent,
  percents,
  seconds,
} from "../../lib/format.ts";
import { t, type Key } from "../../lib/language.svelte.ts";
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
  /** Whether to leave it out where space is short: on paper, and until all are wanted. */
  extra?: boolean;
}

/** The metrics of a run that have no column of their own with an interval. */
export function otherMetrics(approaches: readonly Approach[]): string[] {
  const own = new Set(["accuracy", "loss", "calibration_error"]);
  const names = approaches.flatMap((approach) => Object.keys(approach.scores?.metrics ?? {}));
  return [...new Set(names)].filter((name) => !own.has(name));
}

/** A metric of the table in `evaluation/metrics.py`: of losses and errors the least is best. */
function metricColumn(name: string, digits: number, ranks: boolean): Column {
  const words = name.replaceAll("_", " ").replace(/\bf1\b/, "F1");
  const own = METRICS[name];
  return {
    key: name,
    title: own ? t(own.title) : capital(words),
    about: t(own?.about ?? "leader.metric"),
    value: (one) => one.scores?.metrics?.[name] ?? null,
    text: (value) => (value >= 0 && value <= 1 ? percent(value, digits) : figure(value)),
    best: /(loss|error)$/.test(name) ? "least" : "most",
    extra: !ranks,
  };
}

const METRICS: Record<string, { title: Key; about: Key }> = {
  balanced_accuracy: { title: "metric.balanced", about: "leader.balanced" },
  macro_f1: { title: "metric.f1", about: "leader.f1" },
  classwise_calibration_error: { title: "metric.classwise", about: "leader.classwise" },
};

export function columns(
  digits: number,
  twoParts: boolean,
  part: string,
  metrics: readonly string[] = [],
  /** The metric that ranks the approaches. */
  headline = "accuracy",
): Column[] {
  const share = (value: number) => percent(value, digits);
  return [
    {
      key: "accuracy",
      title: part,
      about: t("leader.accuracy"),
      value: (one) => one.scores?.accuracy ?? null,
      text: share,
      interval: (one) => one.scores && percents(one.scores.interval, digits),
      best: "most",
    },
    ...(twoParts
      ? [
          {
            key: "test",
            title: t("filter.test"),
            about: t("leader.test"),
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
      title: t("common.loss"),
      about: t("leader.loss"),
      value: (one) => one.scores?.loss ?? null,
      text: (value) => figure(value),
      interval: (one) => (one.scores?.loss_interval ? figures(one.scores.loss_interval) : null),
      best: "least",
    },
    {
      key: "calibration",
      title: t("leader.calibrationTitle"),
      about: t("leader.calibration"),
      value: (one) => one.scores?.calibration_error ?? null,
      text: (value) => percent(value),
      interval: (one) =>
        one.scores?.calibration_interval ? percents(one.scores.calibration_interval) : null,
      best: "least",
    },
    {
      key: "size",
      title: t("cost.size"),
      about: t("leader.size"),
      value: (one) => one.result.bytes,
      text: megabytes,
      best: "least",
    },
    {
      key: "parameters",
      title: t("cost.parameters"),
      about: t("leader.parameters"),
      value: (one) => one.result.parameters,
      text: count,
      best: "least",
      extra: true,
    },
    {
      key: "training",
      title: t("leader.trainingTitle"),
      about: t("leader.training"),
      value: (one) => one.result.seconds.folds + one.result.seconds.final,
      text: seconds,
      best: "least",
    },
    {
      key: "one",
      title: t("cost.one"),
      about: t("leader.one"),
      value: (one) => one.result.latency.batch_1_ms,
      text: milliseconds,
      best: "least",
    },
    {
      key: "batch",
      title: t("cost.batch"),
      about: t("leader.batch"),
      value: (one) => one.result.latency.batch_64_ms,
      text: milliseconds,
      best: "least",
      extra: true,
    },
    {
      key: "memory",
      title: t("cost.memory"),
      about: t("leader.memory"),
      value: (one) => one.result.peak_memory_mb,
      text: (value) => megabytes(1e6 * value),
      best: "least",
    },
    ...metrics.map((name) => metricColumn(name, digits, name === headline)),
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
