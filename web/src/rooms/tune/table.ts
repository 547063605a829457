/** The table of trials: its columns, its order, and its export. */
import { t } from "../../lib/language.svelte.ts";
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
  /** An explanation of the title. */
  about?: string;
  /** The value it sorts by; null if unknown. */
  value: (trial: Trial) => Value;
  text: (trial: Trial) => string;
  /** Which end comes first. */
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

/** The columns of every trial, then one for every setting. */
export function columns(search: Search): Column[] {
  return [
    measured("trial", t("tune.trialHead"), t("tune.trialAbout"), (one) => one.number, String),
    {
      key: "state",
      title: t("tune.state"),
      value: (one) => one.state,
      text: (one) => STATES[one.state],
      first: "least",
      numeric: false,
    },
    measured(
      "accuracy",
      t("common.accuracy"),
      t("tune.accuracyHeadAbout"),
      (one) => one.accuracy,
      (value) => percent(value),
      "most",
    ),
    measured(
      "loss",
      t("common.loss"),
      t("tune.lossHeadAbout"),
      (one) => one.loss,
      (value) => figure(value),
    ),
    measured(
      "parameters",
      t("tune.parameters"),
      t("tune.parametersAbout"),
      (one) => one.parameters,
      count,
    ),
    measured("size", t("tune.size"), t("tune.sizeAbout"), (one) => one.bytes, megabytes),
    measured(
      "latency",
      t("tune.onePicture"),
      t("tune.latencyAbout"),
      (one) => one.latency_ms,
      milliseconds,
    ),
    measured("seconds", t("tune.time"), t("tune.timeAbout"), (one) => one.seconds, seconds),
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
  return choices.every((choice) => choice === null || typeof choice === "number");
}

/** The sort key of a value of a setting. */
function rank(value: Setting | undefined): Value {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? value : setting(value);
}

/** The order from the address: a key, with a minus if reversed. */
export function order(
  text: string | undefined,
  known: readonly Column[],
  fallback: string,
): { by: Column; reversed: boolean } {
  const reversed = !!text?.startsWith("-");
  const by = known.find((one) => one.key === (reversed ? text!.slice(1) : text));
  if (by) return { by, reversed };
  return { by: known.find((one) => one.key === fallback)!, reversed: false };
}

/** Trials in the order of a column; unknown values come last in both directions. */
export function sorted(trials: readonly Trial[], by: Column, reversed: boolean): Trial[] {
  const sign = (by.first === "least") === reversed ? -1 : 1;
  return [...trials].sort((a, b) => {
    const [one, other] = [by.value(a), by.value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    if (typeof one === "number" && typeof other === "number") return sign * (one - other);
    return sign * String(one).localeCompare(String(other), undefined, { numeric: true });
  });
}

/** All trials of a study, as in trials.csv. */
export function tableRows(study: Study): Row[] {
  const names = [...new Set(study.searches.flatMap((search) => Object.keys(search.space)))];
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
