/** The progress of a run, computed from its events. */
import type { RunEvent, Schema } from "./api.ts";

type EpochRecord = Schema["EpochRecord"];

/** One approach on one fold, or its final fit on everything. */
export interface Unit {
  fold: string;
  state: "waiting" | "training" | "finished";
  curve: EpochRecord[];
  /** The maximum number of epochs. */
  planned: number | undefined;
  /** The epoch that was kept. */
  best: number | undefined;
  /** Accuracy on its held-out pictures; null for a final fit. */
  accuracy: number | null;
  seconds: number | null;
}

export interface Approach {
  name: string;
  /** The folds, then the final fit. */
  units: Unit[];
  /** Whether its frozen backbone is computing features. */
  preparing: boolean;
  /** Estimated seconds for all its units, at the first start of the run. */
  weight: number | undefined;
}

export type Phase =
  | "starting" // no event has arrived
  | "measuring" // it measures the speed of the machine
  | "training"
  | "scoring"
  | "packing" // graphs are traced, bundles written
  | "finished"
  | "stopped"
  | "failed";

export interface Progress {
  phase: Phase;
  description: string;
  /** The message of the description, for other languages. */
  descriptionSaid: Schema["Message"] | null;
  /** Names of the folds, without the final fit. */
  folds: string[];
  approaches: Approach[];
  /** The maximum number of units that run at once. */
  workers: number;
  /** Of the units that are training, the one that started last. */
  current: { approach: string; fold: string } | null;
  /** Time of the first event, ISO 8601. */
  started: string | undefined;
  /** The approaches that have a score, and a model if the run makes models. */
  scored: string[];
  /** The last estimate of the seconds until the end, when it was made, and how busy the machine is. */
  left: { seconds: number; at: number; slowdown: number } | null;
  /** The time of the last event, in ms. */
  latest: number;
  winner: string | null;
  /** The verdict in one line; runs of older versions have none. */
  headline: string | null;
  /** The messages of the headline, and of the sentences in `why`. */
  said: Schema["Message"][];
  /** Why the winner won, or why the run failed. */
  why: string | null;
  /** The message of why it failed. */
  whySaid: Schema["Message"] | null;
}

export const FINAL = "final";

export const NOTHING: Progress = {
  phase: "starting",
  description: "",
  descriptionSaid: null,
  folds: [],
  approaches: [],
  workers: 1,
  current: null,
  started: undefined,
  scored: [],
  left: null,
  latest: 0,
  winner: null,
  headline: null,
  said: [],
  why: null,
  whySaid: null,
};

/** The state after more events. The old state is not changed. */
export function follow(before: Progress, events: readonly RunEvent[]): Progress {
  const now: Progress = {
    ...before,
    approaches: before.approaches.map((approach) => ({
      ...approach,
      units: approach.units.map((unit) => ({ ...unit, curve: [...unit.curve] })),
    })),
  };
  for (const event of events) apply(now, event);
  return now;
}

function apply(now: Progress, event: RunEvent): void {
  now.started ??= event.time;
  now.latest = event.time ? Date.parse(event.time) : now.latest;
  switch (event.event) {
    case "run started":
    case "run resumed":
      return start(now, event);
    case "estimated":
      now.phase = "training";
      now.workers = event.workers ?? 1;
      return estimated(now, event.seconds);
    case "time left":
      now.left = { seconds: event.seconds, at: now.latest, slowdown: event.slowdown ?? 1 };
      return;
    case "approach scored":
      if (!now.scored.includes(event.approach)) now.scored = [...now.scored, event.approach];
      return;
    case "test opened":
      now.phase = "scoring";
      return;
    case "tracing graphs":
    case "bundle written":
      now.phase = "packing";
      return;
    case "run finished":
      now.phase = "finished";
      now.current = null;
      [now.winner, now.headline] = [event.winner, event.headline ?? null];
      now.said = event.said_why ?? [];
      now.why = event.why.replace(event.headline ?? "", "").trim(); // it begins with it
      return;
    case "run failed":
    case "run stopped":
      now.phase = event.event === "run failed" || event.status === "failed" ? "failed" : "stopped";
      now.current = null;
      [now.why, now.whySaid] = event.why
        ? [event.why, event.why_said ?? null]
        : [now.why, now.whySaid];
      for (const one of now.approaches) {
        one.preparing = false;
        // A resumed run restarts unfinished units. Their curves remain visible until then.
        for (const unit of one.units) if (!isFinished(unit)) unit.state = "waiting";
      }
      return;
    case "preparing":
    case "unit started":
    case "epoch":
    case "unit finished":
    case "unit kept": {
      const approach = now.approaches.find((approach) => approach.name === event.approach);
      if (approach) applyToUnit(now, approach, event);
    }
  }
}

type Started = Extract<RunEvent, { event: "run started" | "run resumed" }>;
type OfUnit = Extract<
  RunEvent,
  { event: "preparing" | "unit started" | "epoch" | "unit finished" | "unit kept" }
>;

/** A resumed run keeps finished units and restarts the others. */
function start(now: Progress, event: Started): void {
  now.phase = "measuring";
  now.left = null;
  [now.current, now.winner, now.headline, now.why] = [null, null, null, null];
  [now.description, now.descriptionSaid] = [event.description, event.description_said ?? null];
  now.folds = event.folds;
  now.approaches = event.approaches.map((name) => {
    const known = now.approaches.find((approach) => approach.name === name);
    const units = [...now.folds, FINAL].map(
      (fold) =>
        known?.units.find((unit) => unit.fold === fold && unit.state === "finished") ??
        waiting(fold),
    );
    return { name, units, preparing: false, weight: known?.weight };
  });
}

function waiting(fold: string): Unit {
  return {
    fold,
    state: "waiting",
    curve: [],
    planned: undefined,
    best: undefined,
    accuracy: null,
    seconds: null,
  };
}

function estimated(now: Progress, seconds: Record<string, number>): void {
  for (const one of now.approaches) {
    const waiting = one.units.filter((unit) => !isFinished(unit)).length;
    // One that was trained before the others were estimated weighs what it took.
    one.weight ??= waiting
      ? ((seconds[one.name] ?? 0) / waiting) * one.units.length
      : one.units.reduce((sum, unit) => sum + (unit.seconds ?? 0), 0);
  }
}

function applyToUnit(now: Progress, approach: Approach, event: OfUnit): void {
  approach.preparing = event.event === "preparing";
  if (event.event === "preparing") return;
  const unit = approach.units.find((unit) => unit.fold === event.fold);
  if (!unit) return;
  if (event.event === "unit started") {
    if (now.phase === "measuring") now.phase = "training";
    Object.assign(unit, waiting(unit.fold), { state: "training" });
    now.current = { approach: approach.name, fold: unit.fold };
  } else if (event.event === "epoch") {
    unit.planned = event.of;
    unit.curve.push({ ...event, epoch: event.number });
  } else {
    unit.state = "finished";
    unit.accuracy = event.accuracy;
    if (event.event === "unit finished") {
      unit.seconds = event.seconds;
      unit.best = event.best_epoch;
    }
    if (now.current?.approach === approach.name && now.current.fold === unit.fold)
      now.current = trainingUnit(now);
    if (now.approaches.every((approach) => approach.units.every(isFinished))) now.phase = "scoring";
  }
}

/** A unit that another worker is training. */
function trainingUnit(now: Progress): Progress["current"] {
  for (const one of now.approaches) {
    const unit = one.units.find((some) => some.state === "training");
    if (unit) return { approach: one.name, fold: unit.fold };
  }
  return null;
}

export function isFinished(unit: Unit): boolean {
  return unit.state === "finished";
}

/** The share of the work that is done, 0…1, with approaches weighted by their estimated time.
 *
 * It is 0 until there is an estimate: what is quick comes first, and is a small part of the whole.
 */
export function share(now: Progress): number {
  if (now.phase === "finished") return 1;
  const known = now.approaches.map((approach) => approach.weight);
  const some = known.filter((one) => one !== undefined);
  const typical = some.length ? some.reduce((a, b) => a + b) / some.length : 0;
  let [all, done] = [0, 0];
  now.approaches.forEach((one, n) => {
    const each = (known[n] ?? typical) / one.units.length;
    for (const unit of one.units) {
      all += each;
      done += each * unitShare(unit);
    }
  });
  return all ? (TRAINED * done) / all : 0;
}

const TRAINED = 0.97; // scoring and bundles are the rest

function unitShare(unit: Unit): number {
  if (isFinished(unit)) return 1;
  const last = unit.curve.at(-1);
  return last && unit.planned ? Math.min(1, last.epoch / unit.planned) : 0;
}

/** Seconds left as of the last event, by the last estimate of the run. Null if unknown. */
export function secondsLeft(now: Progress): number | null {
  if (now.phase === "finished") return 0;
  return now.left && Math.max(0, now.left.seconds - (now.latest - now.left.at) / 1000);
}

/** The time left to show, given the last one shown, the current estimate and the seconds between.
 *
 * It counts down with the clock and approaches lower estimates smoothly. Slightly higher estimates
 * are ignored; much higher ones are approached smoothly too.
 */
export function shownLeft(shown: number | null, estimate: number, passed: number): number {
  if (shown === null) return estimate;
  const counted = Math.max(0, shown - passed);
  const more = estimate - counted;
  if (more > 0 && more <= Math.max(3, 0.15 * estimate)) return counted;
  return counted + more * (1 - Math.exp(-passed / 4));
}
