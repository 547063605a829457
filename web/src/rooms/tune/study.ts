/** A search of settings as the room reads it. */
import type { Schema } from "../../lib/api.ts";
import { figure, megabytes, milliseconds, percent } from "../../lib/format.ts";

export type StudyView = Schema["StudyView"];
export type StudySummary = Schema["StudySummary"];
export type Study = Schema["StudyResults"];
export type Search = Schema["Search"];
export type Trial = Schema["TrialRecord"];
export type Setting = Trial["settings"][string];
export type Aim = Schema["StudyProtocol"]["aims"][number];

/** Something that is measured of every finished trial. */
export interface Measure {
  title: string;
  /** Within a sentence. */
  noun: string;
  about: string;
  value: (trial: Trial) => number | null;
  text: (value: number) => string;
  best: "least" | "most";
  /** How it is drawn: a share on an axis of percents, all else by orders of magnitude. */
  share: boolean;
}

export const MEASURES: Record<Aim, Measure> = {
  loss: {
    title: "Loss",
    noun: "loss",
    about: "On the inner pictures it did not learn from; also counts how sure an answer was",
    value: (one) => one.loss ?? null,
    text: (value) => figure(value),
    best: "least",
    share: false,
  },
  accuracy: {
    title: "Accuracy",
    noun: "accuracy",
    about: "Share of the inner pictures that it had right and did not learn from",
    value: (one) => one.accuracy ?? null,
    text: (value) => percent(value),
    best: "most",
    share: true,
  },
  latency: {
    title: "Time for one picture",
    noun: "time for one picture",
    about: "Time from raw pixels to the answer, in PyTorch",
    value: (one) => one.latency_ms ?? null,
    text: milliseconds,
    best: "least",
    share: false,
  },
  size: {
    title: "Size",
    noun: "size",
    about: "Of its weights",
    value: (one) => one.bytes ?? null,
    text: megabytes,
    best: "least",
    share: false,
  },
};

export const STATES = {
  finished: "finished",
  pruned: "given up early",
  failed: "failed",
  running: "at work",
} as const;

/** A study with every setting of every trial told, and each as what it is.
 *
 * In the file a trial without a setting has its default, and lists are texts: "16,32", none of
 * them "", and "none" is left to the pictures and the budget.
 */
export function plain(view: StudyView): StudyView {
  const searches = view.study.searches.map((search) => {
    const space = Object.fromEntries(
      Object.entries(search.space).map(([name, domain]) => [
        name,
        {
          ...domain,
          choices: domain.choices?.map(value) ?? null,
          default: value(domain.default ?? null),
        },
      ]),
    );
    const trials = search.trials.map((one) => ({
      ...one,
      settings: Object.fromEntries(
        Object.entries(space).map(([name, { default: usual }]) => [
          name,
          name in one.settings ? value(one.settings[name]!) : usual,
        ]),
      ),
    }));
    return { ...search, space, trials };
  });
  return { ...view, study: { ...view.study, searches } };
}

function value(told: Setting): Setting {
  if (told === "none") return null;
  if (told === "") return [];
  const listed = typeof told === "string" && /^\d+(,\d+)+$/.test(told);
  return listed ? told.split(",").map(Number) : told;
}

/** Trials with a score, in the order of the search. */
export function finished(search: Search): Trial[] {
  return search.trials.filter((one) => one.state === "finished");
}

/** Trials that are over, one way or another. */
export function done(search: Search): number {
  return search.trials.filter((one) => one.state !== "running").length;
}

export function trial(search: Search, number: number | undefined): Trial | undefined {
  return search.trials.find((one) => one.number === number);
}

/** Whether the first value is the better one. */
export function better(measure: Measure, one: number, other: number): boolean {
  return measure.best === "least" ? one < other : one > other;
}

/** Where the best value so far changes, as [number of the trial, value]. */
export function records(search: Search, measure: Measure): [number, number][] {
  const found: [number, number][] = [];
  for (const one of finished(search)) {
    const value = measure.value(one);
    if (value === null) continue;
    const last = found.at(-1);
    if (!last || better(measure, value, last[1])) found.push([one.number, value]);
  }
  return found;
}

/** The finished trial with the best value. */
export function best(search: Search, measure: Measure): Trial | undefined {
  return trial(search, records(search, measure).at(-1)?.[0]);
}

/** 0…1 by rank, 1 the best; a few hopeless trials leave the others apart, and equals are equal. */
export function worth(trials: readonly Trial[], measure: Measure): Map<number, number> {
  const known = trials.flatMap((one) => {
    const value = measure.value(one);
    return value === null ? [] : [{ number: one.number, value }];
  });
  const beaten = (value: number) =>
    known.filter((one) => !better(measure, one.value, value)).length;
  return new Map(known.map(({ number, value }) => [number, beaten(value) / known.length]));
}

/** Names of settings of a trial that are not what a run takes by itself. */
export function changed(search: Search, one: Trial): Set<string> {
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  return new Set(
    Object.entries(search.space)
      .filter(([name, { default: usual }]) => !same(one.settings[name], usual))
      .map(([name]) => name),
  );
}

/** How a study stands, in words. */
export function stands(state: StudySummary["state"]): string {
  return {
    "in progress": "at work",
    interrupted: "interrupted",
    finished: "finished",
    damaged: "damaged",
  }[state];
}
