/** The state of the view, read from the address, so that every view can be shared. */
import { t } from "../../lib/language.svelte.ts";
import { href, route, type Query } from "../../lib/route.svelte.ts";
import type { Approach, Part, Run } from "../../lib/run.ts";

export const VIEWS = [
  { value: "overview" },
  { value: "confusion" },
  { value: "mistakes" },
  { value: "sides" },
  { value: "classes" },
  { value: "calibration" },
  { value: "robustness" },
  { value: "learning" },
  { value: "curves" },
  { value: "cost" },
] as const;

export type ViewName = (typeof VIEWS)[number]["value"];

export function viewNow(): ViewName {
  if (route.query.view === "brittleness") return "robustness"; // in addresses of older versions
  return VIEWS.find((view) => view.value === route.query.view)?.value ?? "overview";
}

/** The address of a view of the open run; approach and part are kept. */
export function toView(view: ViewName, query: Query = {}): string {
  const { a, part } = route.query;
  return href(route.path, { view: view === "overview" ? undefined : view, a, part, ...query });
}

/** The approach named by `key` of the query, else the first or second of the leaderboard. */
export function approachIn(run: Run, key: "a" | "b" = "a"): Approach {
  const named = run.approach(route.query[key]);
  if (named) return named;
  const ranked = run.ranked;
  if (key === "a") return ranked[0]!;
  return ranked.find((approach) => approach !== approachIn(run))!;
}

export function partIn(run: Run): Part {
  return run.parts.find((part) => part === route.query.part) ?? run.parts[0] ?? "out of fold";
}

/** The index in `names` of the query's entry `key`, if it is one of them. */
export function indexIn(names: readonly string[], key: string): number | undefined {
  const index = names.indexOf(route.query[key] ?? "");
  return index < 0 ? undefined : index;
}

/** The picture whose details are open, if any. */
export function rowIn(run: Run): number | undefined {
  const row = Number(route.query.row || NaN);
  return Number.isInteger(row) && row >= 0 && row < run.length ? row : undefined;
}

/** Decimals of an accuracy: below two thousand pictures 0.01 % is less than one picture. */
export function digitsOf(run: Run): number {
  const pictures = run.approaches.flatMap((approach) => approach.scores?.pictures ?? []);
  return pictures.length && Math.min(...pictures) >= 2000 ? 2 : 1;
}

export function partText(part: Part): string {
  return part === "test" ? t("common.testPart") : t("common.foldPart");
}
