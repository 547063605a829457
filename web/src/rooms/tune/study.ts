/** A search of settings, as the room reads it. */
import { t } from "../../lib/language.svelte.ts";
import type { Schema } from "../../lib/api.ts";
import { figure, megabytes, milliseconds, percent } from "../../lib/format.ts";

export type StudyView = Schema["StudyView"];
export type StudySummary = Schema["StudySummary"];
export type Study = Schema["StudyResults"];
export type Search = Schema["Search"];
export type Trial = Schema["TrialRecord"];
export type Setting = Trial["settings"][string];
export type Aim = Schema["StudyProtocol"]["aims"][number];

/** A measurement of every finished trial. */
export interface Measure {
  title: string;
  /** Within a sentence. */
  noun: string;
  about: string;
  value: (trial: Trial) => number | null;
  text: (value: number) => string;
  best: "least" | "most";
  /** Whether it is a share, drawn in percent; all others have log axes. */
  share: boolean;
}

export const MEASURES: Record<Aim, Measure> = {
  loss: {
    get title() {
      return t("tune.loss");
    },
    get noun() {
      return t("tune.lossNoun");
    },
    get about() {
      return t("tune.lossAbout");
    },
    value: (one) => one.loss ?? null,
    text: (value) => figure(value),
    best: "least",
    share: false,
  },
  accuracy: {
    get title() {
      return t("tune.accuracy");
    },
    get noun() {
      return t("tune.accuracyNoun");
    },
    get about() {
      return t("tune.accuracyAbout");
    },
    value: (one) => one.accuracy ?? null,
    text: (value) => percent(value),
    best: "most",
    share: true,
  },
  latency: {
    get title() {
      return t("tune.latency");
    },
    get noun() {
      return t("tune.latencyNoun");
    },
    get about() {
      return t("tune.latencyAbout");
    },
    value: (one) => one.latency_ms ?? null,
    text: milliseconds,
    best: "least",
    share: false,
  },
  size: {
    get title() {
      return t("tune.size");
    },
    get noun() {
      return t("tune.sizeNoun");
    },
    get about() {
      return t("tune.sizeAbout");
    },
    value: (one) => one.bytes ?? null,
    text: megabytes,
    best: "least",
    share: false,
  },
};

/** The states of a trial, in the reader's words. */
export const STATES = {
  get finished() {
    return t("tune.finished");
  },
  get pruned() {
    return t("tune.pruned");
  },
  get failed() {
    return t("tune.failed");
  },
  get running() {
    return t("tune.running");
  },
};

/** A study with every setting of every trial filled in and parsed.
 *
 * In the file, settings that are missing have their default, lists are texts ("16,32", or "" if
 * empty), and "none" means that the pictures and the budget decide.
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
    const trials = search.trials.map((trial) => ({
      ...trial,
      settings: Object.fromEntries(
        Object.entries(space).map(([name, { default: usual }]) => [
          name,
          name in trial.settings ? value(trial.settings[name]!) : usual,
        ]),
      ),
    }));
    return { ...search, space, trials };
  });
  return { ...view, study: { ...view.study, searches } };
}

function value(text: Setting): Setting {
  if (text === "none") return null;
  if (text === "") return [];
  const listed = typeof text === "string" && /^\d+(,\d+)+$/.test(text);
  return listed ? text.split(",").map(Number) : text;
}

/** Trials with a score, in the order of the search. */
export function finished(search: Search): Trial[] {
  return search.trials.filter((trial) => trial.state === "finished");
}

/** The number of trials that have ended in any way. */
export function done(search: Search): number {
  return search.trials.filter((trial) => trial.state !== "running").length;
}

export function trial(search: Search, number: number | undefined): Trial | undefined {
  return search.trials.find((trial) => trial.number === number);
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

/** 0…1 by rank, 1 the best. By rank, so that a few very bad trials do not hide the differences of others. */
export function worth(trials: readonly Trial[], measure: Measure): Map<number, number> {
  const known = trials.flatMap((trial) => {
    const value = measure.value(trial);
    return value === null ? [] : [{ number: trial.number, value }];
  });
  const beaten = (value: number) =>
    known.filter((one) => !better(measure, one.value, value)).length;
  return new Map(known.map(({ number, value }) => [number, beaten(value) / known.length]));
}

/** Names of the settings of a trial that differ from the defaults of a run. */
export function changed(search: Search, one: Trial): Set<string> {
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  return new Set(
    Object.entries(search.space)
      .filter(([name, { default: usual }]) => !same(one.settings[name], usual))
      .map(([name]) => name),
  );
}

/** The state of a study in words. */
export function stateWords(state: StudySummary["state"]): string {
  if (state === "in progress") return t("tune.running");
  return t(`tune.${state}`);
}

/** How long the trials that are left will take, by those that are done; null while none is. */
export function secondsLeft(search: Search): number | null {
  const finished = search.trials.filter((trial) => trial.state === "finished");
  const working = search.trials.filter((trial) => trial.state === "running").length;
  const left = search.wanted - done(search);
  if (!finished.length || left <= 0 || !working) return null;
  const each = finished.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) / finished.length;
  return (each * left) / working;
}
