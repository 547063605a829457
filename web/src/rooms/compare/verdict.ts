/** The verdict in parts, and links to where its next steps can be taken. */
import type { Schema } from "../../lib/api.ts";
import { t } from "../../lib/language.svelte.ts";
import { said } from "../../lib/said.ts";
import type { Run } from "../../lib/run.ts";

type Sentence = Schema["Sentence"];
type Question = Sentence["about"] | "believe";

/** What a sentence says of one answer, not of the score. */
const OF_AN_ANSWER = ["sure.never", "sure.often", "sure.others"];

export interface VerdictParts {
  /** Which, how certain, when to believe an answer, at what cost, where it fails: a paragraph each. */
  found: { about: Question; text: string }[];
  /** The next steps. */
  next: Sentence[];
}

/** The verdict of a run; older runs only say why the winner won. */
export function verdictParts(results: Schema["Results"]): VerdictParts {
  const sentences = results.verdict?.sentences ?? [];
  const found = new Map<Question, string[]>();
  for (const one of sentences) {
    const text = said(one.said, one.text);
    const about = OF_AN_ANSWER.includes(one.said?.code ?? "") ? "believe" : one.about;
    if (about !== "next") found.set(about, [...(found.get(about) ?? []), text]);
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
