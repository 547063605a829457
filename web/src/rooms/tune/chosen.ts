/** The state of the view, read from the address, so that every view can be shared. */
import { t } from "../../lib/language.svelte.ts";
import { href, route, type Query } from "../../lib/route.svelte.ts";
import { trial, type Search, type Study, type Trial } from "./study.ts";

const VIEWS = [
  { value: "overview", text: "tune.overview" },
  { value: "history", text: "tune.history" },
  { value: "importance", text: "tune.importance" },
  { value: "parallel", text: "tune.parallel" },
  { value: "pareto", text: "tune.tradeOff" },
  { value: "table", text: "tune.table" },
] as const;

export type ViewName = (typeof VIEWS)[number]["value"];

/** With one aim there is no trade-off. */
export function viewsOf(study: Study): { value: ViewName; text: string }[] {
  const several = study.protocol.aims.length > 1;
  return VIEWS.filter((view) => view.value !== "pareto" || several).map(({ value, text }) => ({
    value,
    text: t(text),
  }));
}

export function viewNow(study: Study): ViewName {
  return viewsOf(study).find((one) => one.value === route.query.view)?.value ?? "overview";
}

/** The address of a view of the open study; the approach is kept. */
export function toView(view: ViewName, query: Query = {}): string {
  const { approach } = route.query;
  return href(route.path, { view: view === "overview" ? undefined : view, approach, ...query });
}

/** The address of a trial, opened over the current view. */
export function toTrial(number: number): string {
  return href(route.path, { ...route.query, trial: String(number) });
}

/** Open it without a new step in the history. */
export function openTrial(number: number | undefined): void {
  route.set({ trial: number === undefined ? undefined : String(number) });
}

/** The search in the address, or the first. */
export function searchIn(study: Study): Search {
  return (
    study.searches.find((search) => search.name === route.query.approach) ?? study.searches[0]!
  );
}

/** The trial that is open, if any. */
export function trialIn(search: Search): Trial | undefined {
  return route.query.trial ? trial(search, Number(route.query.trial)) : undefined;
}
