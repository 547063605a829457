/** The table of trials: its columns, its order, and what is taken away. */
import {
  count,
  percent,
  figure,
  megabytes,
  milliseconds,
  seconds,
  setting,
} from "../../lib/format.ts";
import type { Row } from "../../lib/table.ts";
import { STATES, type Search, type Setting, type Study, type Trial } from "./study.ts";

type Value = number | string | null;

export interface Column {
  key: string;
  title: string;
  /** What the title means, for those who do not know. */
  about?: string;
  /** What it is sorted by; null where it is not known. */
  value: (trial: Trial) => Value;
  text: (trial: Trial) => string;
  /** Which end comes first when it is chosen. */
  first: "least" | "most";
  numeric: boolean;
}

export const STATE_FILTERS = ["all", ...(Object.keys(STATES) as (keyof typeof STATES)[])] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

function measured(
  key: string,
  title: string,
  about: string,
  value: (trial: Trial) => number | null | undefined,
  text: (value: number) => string,
  first: "least" | "most" = "least",
): Column {
  return {
    key,
    title,
    about,
    value: (one) => value(one) ?? null,
    text: (one) => {
      const known = value(one) ?? null;
      return known === null ? "–" : text(known);
    },
    first,
    numeric: true,
  };
}

/** What is told of every trial, and then a column for every setting. */
export function columns(search: Search): Column[] {
  return [
    measured(
      "trial",
      "Trial",
      "In the order of the search; 0 are the defaults",
      (one) => one.number,
      String,
    ),
    {
      key: "state",
      title: "State",
      value: (one) => one.state,
      text: (one) => STATES[one.state],
      first: "least",
      numeric: false,
    },
    measured(
      "accuracy",
      "Accuracy",
      "On the inner pictures that it did not learn from",
      (one) => one.accuracy,
      (value) => percent(value),
      "most",
    ),
    measured(
      "loss",
      "Loss",
      "Also counts how sure an answer was; 0 is best",
      (one) => one.loss,
      (value) => figure(value),
    ),
    measured("parameters", "Parameters", "Numbers that are learnt", (one) => one.parameters, count),
    measured("size", "Size", "Of its weights", (one) => one.bytes, megabytes),
    measured(
      "latency",
      "One picture",
      "Time from raw pixels to the answer, in PyTorch",
      (one) => one.latency_ms,
      milliseconds,
    ),
    measured("seconds", "Time", "All its fits together", (one) => one.seconds, seconds),
    ...Object.keys(search.space).map((name): Column => ({
      key: `set:${name}`,
      title: name,
      value: (one) => rank(one.settings[name]),
      text: (one) => setting(one.settings[name]),
      first: "least",
      numeric: isNumeric(search.space[name]!),
    })),
  ];
}

function isNumeric({ low, choices }: Search["space"][string]): boolean {
  if (!choices) return typeof low === "number";
  return choices.every((one) => one === null || typeof one === "number");
}

/** What a value of a setting is sorted by. */
function rank(value: Setting | undefined): Value {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? value : setting(value);
}

/** What is sorted by, from the address: a key, with a minus for the other way round. */
export function order(
  asked: string | undefined,
  known: readonly Column[],
  usual: string,
): { by: Column; turned: boolean } {
  const turned = !!asked?.startsWith("-");
  const by = known.find((one) => one.key === (turned ? asked!.slice(1) : asked));
  if (by) return { by, turned };
  return { by: known.find((one) => one.key === usual)!, turned: false };
}

/** Trials in the order of a column; what is not known comes last either way. */
export function sorted(trials: readonly Trial[], by: Column, turned: boolean): Trial[] {
  const sign = (by.first === "least") === turned ? -1 : 1;
  return [...trials].sort((a, b) => {
    const [one, other] = [by.value(a), by.value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    if (typeof one === "number" && typeof other === "number") return sign * (one - other);
    return sign * String(one).localeCompare(String(other), undefined, { numeric: true });
  });
}

/** All trials of a study as they were measured, as in trials.csv. */
export function tableRows(study: Study): Row[] {
  const names = [...new Set(study.searches.flatMap((one) => Object.keys(one.space)))];
  const known = (one: number | null | undefined) => one ?? "";
  return [
    ["approach", "number", "state", ...MEASURED, ...names],
    ...study.searches.flatMap((search) =>
      search.trials.map((one): Row => [
        search.name,
        one.number,
        one.state,
        ...MEASURED.map((name) => known(one[name])),
        ...names.map((name) => (name in search.space ? written(one.settings[name]) : "")),
      ]),
    ),
  ];
}

const MEASURED = ["accuracy", "loss", "parameters", "bytes", "latency_ms", "seconds"] as const;

/** A setting as it is written in a file; see `plain`. */
function written(value: Setting | undefined): string | number {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return value;
  return Array.isArray(value) ? value.join(",") : String(value);
}
