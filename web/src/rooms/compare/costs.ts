/** What every approach costs, for the table and for the cards of a phone. */
import { count, large, megabytes, milliseconds, seconds } from "../../lib/format.ts";
import { t } from "../../lib/language.svelte.ts";
import type { Approach, ApproachResult } from "../../lib/run.ts";

export interface Cost {
  title: string;
  about?: string;
  /** One for each approach; null if it was not measured. */
  values: (number | null)[];
  /** The largest of them. */
  most: number;
  text: (value: number) => string;
}

interface Kind extends Pick<Cost, "title" | "about" | "text"> {
  value: (result: ApproachResult) => number | null;
}

/** The costs that were measured, in the order of the table. */
export function costsOf(approaches: readonly Approach[]): Cost[] {
  const kinds: Kind[] = [
    { title: t("cost.parameters"), value: (one) => one.parameters, text: count },
    {
      title: t("cost.macs"),
      about: t("cost.macsAbout"),
      value: (one) => one.macs ?? null,
      text: large,
    },
    { title: t("cost.size"), value: (one) => one.bytes, text: megabytes },
    { title: t("cost.folds"), value: (one) => one.seconds.folds, text: seconds },
    { title: t("cost.final"), value: (one) => one.seconds.final, text: seconds },
    { title: t("cost.memory"), value: (one) => 1e6 * one.peak_memory_mb, text: megabytes },
    { title: t("cost.one"), value: (one) => one.latency.batch_1_ms, text: milliseconds },
    { title: t("cost.batch"), value: (one) => one.latency.batch_64_ms, text: milliseconds },
  ];
  return kinds
    .map(({ value, ...kind }) => {
      const values = approaches.map((approach) => value(approach.result));
      return { ...kind, values, most: Math.max(...values.map((one) => one ?? 0), 1e-9) };
    })
    .filter(({ values }) => values.some((value) => value !== null));
}
