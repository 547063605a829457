/** The verdict in parts, and where on the page a step of it can be taken. */
import type { Schema } from "../../lib/api.ts";
import type { Room } from "../../lib/page.ts";
import { glued, plural } from "../../lib/format.ts";
import type { Run } from "../../lib/run.ts";

export interface Told {
  /** Which, how sure, at what cost, and where it fails: a paragraph. */
  found: string;
  /** What to do next. */
  next: string[];
}

/** What the run has to say; of older runs only why the winner won is known. */
export function told(results: Schema["Results"]): Told {
  const sentences = results.verdict?.sentences ?? [];
  const found = sentences.filter((one) => one.about !== "next").map((one) => one.text);
  return {
    found: glued(found.join(" ") || results.winner.why),
    next: sentences.filter((one) => one.about === "next").map((one) => glued(one.text)),
  };
}

/** A view of a room; the query says what of it is looked at. */
export interface Way {
  text: string;
  room: "compare" | "data";
  query: { view: string; class?: string; group?: string };
}

/** A way to what a step speaks of; null where it speaks of nothing on the page.
 *
 * Names of classes and groups stand in quotation marks, as everywhere in the words of a run.
 */
export function wayOf(run: Run, step: string, rooms: Partial<Record<Room, unknown>>): Way | null {
  const doubted = run.results.health?.suspects.length ?? 0;
  if (/\blabels?\b/i.test(step) && doubted && rooms.data) {
    return { text: `See ${plural(doubted, "label")}`, room: "data", query: { view: "look" } };
  }
  const here = (text: string, query: Way["query"]): Way => ({ text, room: "compare", query });
  const named = [...step.matchAll(/[“"]([^”"]+)[”"]/g)].map((one) => one[1]!);
  const group = named.find((name) => run.groups.includes(name));
  if (group) return here(`See ${group}`, { view: "mistakes", group });
  const name = named.find((name) => run.classes.includes(name));
  if (name) return here(`See ${name}`, { view: "mistakes", class: name });
  if (/curve|more pictures|times as many|twice/i.test(step) && some(run, "learning")) {
    return here("See the learning curve", { view: "learning" });
  }
  if (/brittle|corrupt|changes?\b/i.test(step) && some(run, "brittleness")) {
    return here("See what throws it off", { view: "brittleness" });
  }
  return /\bmistakes?\b/i.test(step) ? here("See the mistakes", { view: "mistakes" }) : null;
}

function some(run: Run, what: "learning" | "brittleness"): boolean {
  return run.approaches.some((one) => one.result[what]);
}
