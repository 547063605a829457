/** The best trial's score in the search and on outer pictures, which no trial used. */
import { t } from "../../lib/language.svelte.ts";
import type { Whisker } from "../../charts/whiskers.ts";
import { percents } from "../../lib/format.ts";
import { trial, type Search } from "./study.ts";

export interface Line {
  text: string;
  whisker: Whisker;
  loss: number | null;
  /** As text; null in the search, whose scores are biased by the selection. */
  interval: string | null;
}

export type Recommendation = NonNullable<Search["recommendation"]>;

/** The score in the search first, then those on outer pictures; each choice of settings once. */
export function optimismLines(
  search: Search,
  recommendation: Recommendation,
  number: number,
): Line[] {
  const found: Line[] = [];
  const own = trial(search, recommendation.best);
  if (typeof own?.accuracy === "number") {
    const { best: first } = recommendation;
    const text = first ? t("tune.inSearch", { number: first }) : t("tune.defaultsInSearch");
    const value = own.accuracy;
    found.push({
      text,
      whisker: { number, label: text, value, interval: [value, value], hollow: true },
      loss: own.loss ?? null,
      interval: null,
    });
  }
  // The defaults come last, under that name even if they are the best.
  const listed = new Set([0]);
  const choices = [
    {
      key: "best",
      trial: recommendation.best,
      text: t("tune.onOuter", { number: recommendation.best }),
    },
    {
      key: "recommendation",
      trial: recommendation.trial,
      text: t("tune.recommendedOnOuter", { number: recommendation.trial }),
    },
    { key: "defaults", trial: null, text: t("tune.defaultsOnOuter") },
  ] as const;
  for (const choice of choices) {
    const outer = recommendation.outer?.[choice.key];
    if (!outer || (choice.trial !== null && listed.has(choice.trial))) continue;
    if (choice.trial !== null) listed.add(choice.trial);
    const { accuracy: value, interval, loss } = outer;
    found.push({
      text: choice.text,
      whisker: { number, label: choice.text, value, interval },
      loss,
      interval: percents(interval),
    });
  }
  return found;
}
