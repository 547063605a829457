/** What a search found of its best trial, and what became of it on pictures that no trial saw. */
import type { Whisker } from "../../charts/whiskers.ts";
import { percents } from "../../lib/format.ts";
import { trial, type Search } from "./study.ts";

export interface Line {
  text: string;
  whisker: Whisker;
  loss: number | null;
  /** In words; null in the search, whose scores chose and so have none that holds. */
  interval: string | null;
}

export type Pick = NonNullable<Search["recommendation"]>;

/** Its own score first, then those on outer pictures; each choice of settings once. */
export function flattery(search: Search, pick: Pick, number: number): Line[] {
  const found: Line[] = [];
  const own = trial(search, pick.best);
  if (typeof own?.accuracy === "number") {
    const text = `${pick.best ? `Trial ${pick.best}` : "The defaults"} in the search`;
    const value = own.accuracy;
    found.push({
      text,
      whisker: { number, label: text, value, interval: [value, value], hollow: true },
      loss: own.loss ?? null,
      interval: null,
    });
  }
  // The defaults last and by that name, whatever else they are.
  const told = new Set([0]);
  const choices = [
    { key: "best", trial: pick.best, text: `Trial ${pick.best} on outer pictures` },
    {
      key: "recommendation",
      trial: pick.trial,
      text: `Trial ${pick.trial}, the pick, on outer pictures`,
    },
    { key: "defaults", trial: null, text: "The defaults on outer pictures" },
  ] as const;
  for (const choice of choices) {
    const outer = pick.outer?.[choice.key];
    if (!outer || (choice.trial !== null && told.has(choice.trial))) continue;
    if (choice.trial !== null) told.add(choice.trial);
    const { accuracy: value, interval, loss } = outer;
    found.push({
      text: choice.text,
      whisker: { number, label: choice.text, value, interval },
      loss,
      interval: percents(interval),
    });
  }
  return found;
}
