/** The verdict in parts, and where on the page a step of it can be taken. */
import type { Schema } from "../../lib/api.ts";
import { plural } from "../../lib/format.ts";
import type { Run } from "../../lib/run.ts";

type Sentence = Schema["Sentence"];

export interface Told {
  /** Which, how sure, at what cost, and where it fails: a short paragraph for each. */
  found: { about: Sentence["about"]; text: string }[];
  /** What to do next. */
  next: Sentence[];
}

/** What the run has to say; of older runs only why the winner won is known. */
export function told(results: Schema["Results"]): Told {
  const sentences = results.verdict?.sentences ?? [];
  const found = new Map<Sentence["about"], string[]>();
  for (const { about, text } of sentences) {
    if (about !== "next") found.set(about, [...(found.get(about) ?? []), text]);
  }
  if (!found.size) found.set("which", [results.winner.why]);
  return {
    found: [...found].map(([about, texts]) => ({ about, text: texts.join(" ") })),
    next: sentences.filter((one) => one.about === "next"),
  };
}

/** A view of a room; the query says what of it is looked at. */
export interface Way {
  text: string;
  room: "compare" | "data";
  query: { view: string; class?: string; group?: string };
}

/** A way to what a step speaks of; null where it speaks of nothing on the page. */
export function wayOf(run: Run, step: Sentence, hasData: boolean): Way | null {
  const doubted = run.results.health?.suspects.length ?? 0;
  switch (step.see) {
    case "suspects":
      return doubted && hasData
        ? { text: `See ${plural(doubted, "label")}`, room: "data", query: { view: "look" } }
        : null;
    case "class":
    case "group":
      return {
        text: `See ${step.name}`,
        room: "compare",
        query: { view: "mistakes", [step.see]: step.name },
      };
    case "learning":
      return { text: "See the learning curve", room: "compare", query: { view: "learning" } };
    case "robustness":
      return { text: "See what throws it off", room: "compare", query: { view: "robustness" } };
    default:
      return null;
  }
}
