/** How far a run has come, told by its events. */
import type { RunEvent, Schema } from "../../lib/api.ts";

type EpochRecord = Schema["EpochRecord"];

/** One approach on one fold, or its final fit on everything. */
export interface Unit {
  fold: string;
  state: "waiting" | "training" | "finished";
  curve: EpochRecord[];
  /** Epochs that are planned at most. */
  planned: number | undefined;
  /** The epoch that was kept. */
  best: number | undefined;
  /** Share of its held-out pictures that are right; null for a final fit. */
  accuracy: number | null;
  seconds: number | null;
}

export interface Approach {
  name: string;
  /** The folds, then the final fit. */
  units: Unit[];
  /** Whether its frozen part goes over the pictures. */
  preparing: boolean;
  /** Seconds for all that it had to do when the run was started first, as estimated then. */
  weight: number | undefined;
  /** Seconds for a unit, as estimated last. */
  each: number | undefined;
}

export type Phase =
  | "starting" // nothing is known yet
  | "measuring" // it tastes how long things take
  | "training"
  | "scoring"
  | "packing" // graphs are traced, bundles written
  | "finished"
  | "stopped"
  | "failed";

export interface Progress {
  phase: Phase;
  description: string;
  /** Names of the folds, without the final fit. */
  folds: string[];
  approaches: Approach[];
  /** How many units are at work at once, at most. */
  workers: number;
  /** What began to train last, of what trains at this moment. */
  current: { approach: string; fold: string } | null;
  /** Moment of the first event, ISO 8601. */
  started: string | undefined;
  winner: string | null;
  /** Why the winner won, or why the run failed. */
  why: string | null;
}

export const FINAL = "final";

export const NOTHING: Progress = {
  phase: "starting",
  description: "",
  folds: [],
  approaches: [],
  workers: 1,
  current: null,
  started: undefined,
  winner: null,
  why: null,
};

/** What is known after some more events. The old state stays as it was. */
export function follow(before: Progress, events: readonly RunEvent[]): Progress {
  const now: Progress = {
    ...before,
    approaches: before.approaches.map((one) => ({
      ...one,
      units: one.units.map((unit) => ({ ...unit, curve: [...unit.curve] })),
    })),
  };
  for (const event of events) take(now, event);
  return now;
}

function take(now: Progress, event: RunEvent): void {
  now.started ??= event.time;
  switch (event.event) {
    case "run started":
    case "run resumed":
      return begin(now, event);
    case "estimated":
      now.phase = "training";
      now.workers = (event.workers as number | null | undefined) ?? 1;
      return estimated(now, event.seconds as Record<string, number>);
    case "changing pictures":
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
      [now.winner, now.why] = [event.winner as string | null, event.why as string];
      return;
    case "run failed":
    case "run stopped":
      now.phase = event.event === "run failed" || event.status === "failed" ? "failed" : "stopped";
      now.current = null;
      now.why = (event.why as string | null) ?? now.why;
      for (const one of now.approaches) {
        one.preparing = false;
        // Half a fold is no fold: resumed, it begins anew. What it showed stays to be seen.
        for (const unit of one.units) if (!isFinished(unit)) unit.state = "waiting";
      }
      return;
  }
  const approach = now.approaches.find((one) => one.name === event.approach);
  if (approach) work(now, approach, event);
}

/** A run that is resumed keeps what is finished and begins the rest anew. */
function begin(now: Progress, event: RunEvent): void {
  const { approaches } = (event.config ?? event.request) as { approaches: string[] };
  now.phase = "measuring";
  [now.current, now.winner, now.why] = [null, null, null];
  now.description = (event.description ?? event.understood) as string;
  now.folds = event.folds as string[];
  now.approaches = approaches.map((name) => {
    const known = now.approaches.find((one) => one.name === name);
    const units = [...now.folds, FINAL].map(
      (fold) =>
        known?.units.find((one) => one.fold === fold && one.state === "finished") ?? waiting(fold),
    );
    return { name, units, preparing: false, weight: known?.weight, each: undefined };
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
    const left = one.units.filter((unit) => unit.state !== "finished").length;
    one.each = left ? (seconds[one.name] ?? 0) / left : undefined;
    one.weight ??= one.each === undefined ? undefined : one.each * one.units.length;
  }
}

function work(now: Progress, approach: Approach, event: RunEvent): void {
  approach.preparing = event.event === "preparing";
  const unit = approach.units.find((one) => one.fold === event.fold);
  if (!unit) return;
  if (event.event === "unit started") {
    Object.assign(unit, waiting(unit.fold), { state: "training" });
    now.current = { approach: approach.name, fold: unit.fold };
  } else if (event.event === "epoch") {
    const { number, of } = event as unknown as { number: number; of: number };
    unit.planned = of;
    unit.curve.push({ ...(event as unknown as EpochRecord), epoch: number });
  } else if (event.event === "unit finished" || event.event === "unit kept") {
    unit.state = "finished";
    unit.accuracy = (event.accuracy as number | null) ?? null;
    unit.seconds = (event.seconds as number | undefined) ?? unit.seconds;
    unit.best = (event.best_epoch as number | undefined) ?? unit.best;
    if (now.current?.approach === approach.name && now.current.fold === unit.fold)
      now.current = trains(now);
    if (now.approaches.every((one) => one.units.every(isFinished))) now.phase = "scoring";
  }
}

/** A unit that another worker has at hand. */
function trains(now: Progress): Progress["current"] {
  for (const one of now.approaches) {
    const unit = one.units.find((some) => some.state === "training");
    if (unit) return { approach: one.name, fold: unit.fold };
  }
  return null;
}

export function isFinished(unit: Unit): boolean {
  return unit.state === "finished";
}

/** How much of all the work is done, 0…1; an approach counts by the time it is thought to take. */
export function share(now: Progress): number {
  if (now.phase === "finished") return 1;
  const known = now.approaches.map((one) => one.weight);
  const some = known.filter((one) => one !== undefined);
  const usual = some.length ? some.reduce((a, b) => a + b) / some.length : 1;
  let [all, done] = [0, 0];
  now.approaches.forEach((one, n) => {
    const each = (known[n] ?? usual) / one.units.length;
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

/** Seconds that are left, as far as can be told at the last event: from what finished units took,
 * else from the epochs of those at work, else from the estimate. Null while nothing is known.
 */
export function secondsLeft(now: Progress): number | null {
  if (now.phase === "finished") return 0;
  if (now.phase === "starting" || now.phase === "measuring") return null;
  let left = 0;
  for (const one of now.approaches) {
    const waits = one.units.filter((unit) => unit.state === "waiting").length;
    const active = one.units.filter((unit) => unit.state === "training");
    const inside = active.map(insideLeft);
    const whole = usual(one) ?? inside.find((some) => some)?.whole ?? one.each;
    if (whole === undefined) {
      if (waits || active.length) return null;
      continue;
    }
    left += waits * whole + inside.reduce((sum, some) => sum + (some?.left ?? whole), 0);
  }
  return left / now.workers;
}

function usual(approach: Approach): number | undefined {
  const took = approach.units.flatMap((unit) => (unit.seconds === null ? [] : [unit.seconds]));
  return took.sort((a, b) => a - b)[Math.floor(took.length / 2)];
}

function insideLeft(unit: Unit): { left: number; whole: number } | undefined {
  if (!unit.curve.length || !unit.planned) return undefined;
  const each = unit.curve.reduce((sum, epoch) => sum + epoch.seconds, 0) / unit.curve.length;
  return { left: each * (unit.planned - unit.curve.length), whole: each * unit.planned };
}

/** The time left to show, given what was shown, what is now thought, and the seconds between.
 *
 * It counts down with the clock and comes down gently where things go faster. A little more than
 * was said is waited out; a lot more is admitted, gently too.
 */
export function shownLeft(shown: number | null, thought: number, passed: number): number {
  if (shown === null) return thought;
  const counted = Math.max(0, shown - passed);
  const more = thought - counted;
  if (more > 0 && more <= Math.max(3, 0.15 * thought)) return counted;
  return counted + more * (1 - Math.exp(-passed / 4));
}
