/** Parallel coordinates: an axis for every setting, and for every trial a line across them. */
import { scaleLinear, scaleLog } from "d3-scale";
import type { Schema } from "../lib/api.ts";
import { setting } from "../lib/format.ts";
import { logTicks, type Domain } from "./scales.ts";
import { measureScale, type MeasureAxis } from "./measures.ts";

type Setting = Schema["TrialRecord"]["settings"][string];

/** Places on an axis are 0…1. */
export interface ParallelAxis {
  name: string;
  /** Null if a line does not cross this axis. */
  place: (value: Setting | undefined) => number | null;
  ticks: { at: number; text: string }[];
  /** The value at a place, for screen readers. */
  read: (at: number) => string;
}

export interface ParallelLine {
  number: number;
  /** By axis. */
  places: (number | null)[];
  /** 0…1, 1 the best. */
  worth: number;
  /** Its description for screen readers. */
  label: string;
}

/** The selected ranges by name of the axis. */
export type Ranges = Readonly<Record<string, readonly [number, number]>>;

const AUTO = 0.1; // share of a numeric axis for "auto", if some trial has it

/** The axis of a setting that is searched; `seen` are the values of all trials. */
export function settingAxis(
  name: string,
  domain: Schema["Domain"],
  seen: readonly (Setting | undefined)[],
): ParallelAxis {
  const given = seen.filter((value) => value !== undefined);
  const { low = null, high = null } = domain;
  const numbers = given.filter((value) => typeof value === "number");
  if (low === null || high === null) return choiceAxis(name, [...(domain.choices ?? []), ...given]);
  const ends: Domain = [Math.min(low, ...numbers), Math.max(high, ...numbers)];
  const log = !!domain.log && ends[0] > 0;
  const from = given.some((value) => value === null) ? AUTO : 0;
  const scale = (log ? scaleLog : scaleLinear)(ends, [from, 1]);
  const round = log ? logTicks(ends) : scale.ticks(4);
  const ticks = (round.length > 1 ? round : ends)
    .filter((one) => !domain.whole || Number.isInteger(one))
    .map((one) => ({ at: scale(one), text: setting(one) }));
  return {
    name,
    place: (value) => {
      if (value === null) return from ? 0 : null;
      return typeof value === "number" ? scale(value) : null;
    },
    ticks: from ? [{ at: 0, text: setting(null) }, ...ticks] : ticks,
    read: (at) => {
      if (at < from / 2) return setting(null);
      const value = scale.invert(Math.max(at, from));
      return setting(domain.whole ? Math.round(value) : value);
    },
  };
}

function choiceAxis(name: string, values: readonly Setting[]): ParallelAxis {
  const options = new Map(values.map((value) => [JSON.stringify(value), setting(value)]));
  const keys = [...options.keys()];
  const at = (n: number) => (n + 0.5) / keys.length;
  const texts = [...options.values()];
  return {
    name,
    place: (value) => {
      const n = value === undefined ? -1 : keys.indexOf(JSON.stringify(value));
      return n < 0 ? null : at(n);
    },
    ticks: texts.map((text, n) => ({ at: at(n), text })),
    read: (place) => {
      const n = Math.min(Math.floor(place * keys.length), keys.length - 1);
      return texts[n] ?? "";
    },
  };
}

/** The axis of a score, with the better end on top. */
export function scoreAxis(
  axis: MeasureAxis,
  best: "least" | "most",
  text: (value: number) => string,
): ParallelAxis {
  const scale = measureScale(axis, best === "least" ? [1, 0] : [0, 1]);
  return {
    name: axis.title,
    place: (value) => (typeof value === "number" ? scale(value) : null),
    ticks: axis.ticks.map(({ value, text }) => ({ at: scale(value), text })),
    read: (at) => text(scale.invert(at)),
  };
}

/** Whether a line is within all ranges. Axes that it does not cross are ignored. */
export function passes(axes: readonly ParallelAxis[], ranges: Ranges, line: ParallelLine): boolean {
  return axes.every(({ name }, n) => {
    const [low, high] = ranges[name] ?? [0, 1];
    const at = line.places[n] ?? null;
    return at === null || (low <= at && at <= high);
  });
}

/** Ranges as written in the address: "dropout~0.25~1 epochs~0~0.5". */
export function rangesText(ranges: Ranges): string {
  return Object.entries(ranges)
    .map(([name, [low, high]]) => [name, Number(low.toFixed(3)), Number(high.toFixed(3))].join("~"))
    .join(" ");
}

export function rangesIn(text: string | undefined, axes: readonly ParallelAxis[]): Ranges {
  const known = new Set(axes.map((axis) => axis.name));
  return Object.fromEntries(
    (text ?? "").split(" ").flatMap((part) => {
      const [name = "", from, to] = part.split("~");
      const [low, high] = [Number(from ?? NaN), Number(to ?? NaN)];
      return known.has(name) && 0 <= low && low <= high && high <= 1
        ? [[name, [low, high] as const] as const]
        : [];
    }),
  );
}

/** The ranges with another one for an axis; the whole axis counts as none. */
export function withRange(ranges: Ranges, name: string, low: number, high: number): Ranges {
  const { [name]: _, ...others } = ranges;
  const [from, to] = [Math.max(0, Math.min(low, high)), Math.min(1, Math.max(low, high))];
  return from <= 0 && to >= 1 ? others : { ...others, [name]: [from, to] };
}

/** A name on at most two lines, broken between words. */
export function twoLines(name: string, most: number): string[] {
  if (name.length <= most) return [name];
  const words = name.split(/(?<=[_ ])/);
  let first = "";
  while (words.length > 1 && (first + words[0]).length <= most) first += words.shift()!;
  const rest = words.join("");
  return first ? [first, shortened(rest, most)] : [shortened(rest, most)];
}

/** A text cut to `most` letters, with an ellipsis. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
