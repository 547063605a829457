/** The verdict in parts, and links to where its next steps can be taken. */
import type { Schema } from "../../lib/api.ts";
import { t } from "../../lib/language.svelte.ts";
import { said } from "../../lib/said.ts";
import type { Run } from "../../lib/run.ts";

type Sentence = Schema["Sentence"];

export interface VerdictParts {
  /** Which, how sure, at what cost, and where it fails: one paragraph each. */
  found: { about: Sentence["about"]; text: string }[];
  /** The next steps. */
  next: Sentence[];
}

/** The verdict of a run; older runs only say why the winner won. */
export function verdictParts(results: Schema["Results"]): VerdictParts {
  const sentences = results.verdict?.sentences ?? [];
  const found = new Map<Sentence["about"], string[]>();
  for (const one of sentences) {
    const text = said(one.said, one.text);
    if (one.about !== "next") found.set(one.about, [...(found.get(one.about) ?? []), text]);
  }
  if (!found.size) found.set("which", [results.winner.why]);
  return {
    found: [...found].map(([about, texts]) => ({ about, text: texts.join(" ") })),
    next: sentences.filter((sentence) => sentence.about === "next"),
  };
}

/** A link to a view of a room. */
export interface StepLink {
  text: string;
  room: "compare" | "data";
  query: { view: string; class?: string; group?: string };
}

/** The link of a step; null if it refers to nothing on the page. */
export function stepLink(run: Run, step: Sentence, hasData: boolean): StepLink | null {
  const doubted = run.results.health?.suspects.length ?? 0;
  switch (step.see) {
    case "suspects":
      return doubted && hasData
        ? { text: t("next.labels", { n: doubted }), room: "data", query: { view: "labels" } }
        : null;
    case "class":
    case "group":
      return {
        text: t("next.view", { name: step.name ?? "" }),
        room: "compare",
        query: { view: "mistakes", [step.see]: step.name },
      };
    case "learning":
      return { text: t("next.learning"), room: "compare", query: { view: "learning" } };
    case "robustness":
      return { text: t("next.robustness"), room: "compare", query: { view: "robustness" } };
    default:
      return null;
  }
}
