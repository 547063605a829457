/** What is looked at, read from the address, so that every view can be sent to someone. */
import { href, route, type Query } from "../../lib/route.svelte.ts";
import type { Approach, Part, Run } from "../../lib/run.ts";

export const VIEWS = [
  { value: "overview", text: "Overview" },
  { value: "confusion", text: "Confusion" },
  { value: "mistakes", text: "Mistakes" },
  { value: "sides", text: "Side by side" },
  { value: "classes", text: "Classes & groups" },
  { value: "calibration", text: "Calibration" },
  { value: "robustness", text: "Robustness" },
  { value: "learning", text: "Learning curve" },
  { value: "curves", text: "Training" },
  { value: "cost", text: "Cost & method" },
] as const;

export type ViewName = (typeof VIEWS)[number]["value"];

export function viewNow(): ViewName {
  return VIEWS.find((one) => one.value === route.query.view)?.value ?? "overview";
}

/** The address of a view of the run that is open; which approach and part goes along. */
export function toView(view: ViewName, query: Query = {}): string {
  const { a, part } = route.query;
  return href(route.path, { view: view === "overview" ? undefined : view, a, part, ...query });
}

/** The approach that `key` of the query names, else the one on that place of the leaderboard. */
export function approachIn(run: Run, key: "a" | "b" = "a"): Approach {
  const named = run.approach(route.query[key]);
  if (named) return named;
  const ranked = run.ranked;
  if (key === "a") return ranked[0]!;
  return ranked.find((one) => one !== approachIn(run))!;
}

export function partIn(run: Run): Part {
  return run.parts.find((one) => one === route.query.part) ?? run.parts[0] ?? "out of fold";
}

/** The index of what the query names among `names`, if it is one of them. */
export function indexIn(names: readonly string[], key: string): number | undefined {
  const index = names.indexOf(route.query[key] ?? "");
  return index < 0 ? undefined : index;
}

/** The picture whose answers are shown, if any. */
export function rowIn(run: Run): number | undefined {
  const row = Number(route.query.row || NaN);
  return Number.isInteger(row) && row >= 0 && row < run.length ? row : undefined;
}

/** Digits after the point of an accuracy: below two thousand pictures 0.01 % is less than one. */
export function digitsOf(run: Run): number {
  const pictures = run.approaches.flatMap((one) => one.scores?.pictures ?? []);
  return pictures.length && Math.min(...pictures) >= 2000 ? 2 : 1;
}

export function partText(part: Part): string {
  return part === "test" ? "locked test" : "out of fold";
}
