/** Filters and orders of many pictures. */
import { isBlank, isOutOfDistribution, verdictKind } from "../../lib/answer.ts";
import { pathOf } from "../../lib/dropped.ts";
import type { Said } from "./desk.svelte.ts";
import { isWrong } from "./truth.ts";

/** One of many pictures with each model's answer; `file` if it can be shown. */
export interface Shown {
  name: string;
  file: File | null;
  /** Its true class, as a folder or a table names it. */
  truth: string | null;
  said: Readonly<Record<string, Said>>;
}

export const SHOWS = [
  { value: "all", text: "try.showAllPictures" },
  { value: "disagree", text: "try.showDisagree" },
  { value: "unsure", text: "try.showUnsure" },
  { value: "none", text: "try.showNone" },
  { value: "wrong", text: "try.showWrong" },
] as const;
export type Show = (typeof SHOWS)[number]["value"];

export const SORTS = [
  { value: "wrong", text: "try.sortWrong" },
  { value: "given", text: "try.sortGiven" },
  { value: "unsure", text: "try.sortUnsure" },
  { value: "answer", text: "try.sortAnswer" },
] as const;
export type Sort = (typeof SORTS)[number]["value"];

export function passes(picture: Shown, show: Show): boolean {
  const answers = Object.values(picture.said).map((one) => one.answer);
  if (show === "disagree") return new Set(answers.map((answer) => answer.label)).size > 1;
  if (show === "wrong") return Object.keys(picture.said).some((model) => isWrong(picture, model));
  if (show === "unsure") return answers.some((one) => verdictKind(one) === "between");
  if (show === "none") return answers.some((one) => isOutOfDistribution(one) || isBlank(one));
  return true;
}

/** Positions of the pictures to show; `answer` is a class that some model must have answered. */
export function sift(
  pictures: readonly Shown[],
  show: Show,
  answer: string | undefined,
  sort: Sort,
): number[] {
  const found = pictures.flatMap((picture, place) => {
    const fits = !answer || Object.values(picture.said).some((one) => one.answer.label === answer);
    return fits && passes(picture, show) ? [place] : [];
  });
  if (sort === "wrong") {
    const wrong = pictures.map((picture) => mistaken(picture));
    found.sort((a, b) => wrong[b]! - wrong[a]!);
  } else if (sort === "unsure") {
    const likely = pictures.map(meanProbability);
    found.sort((a, b) => likely[a]! - likely[b]!);
  } else if (sort === "answer") {
    const first = pictures.map((picture) => Object.values(picture.said)[0]?.answer.label ?? "");
    found.sort((a, b) => first[a]!.localeCompare(first[b]!, undefined, { numeric: true }));
  }
  return found;
}

/** How many models are wrong about a picture. */
function mistaken(picture: Shown): number {
  return Object.keys(picture.said).filter((model) => isWrong(picture, model)).length;
}

/** The mean probability of the models' answers. */
function meanProbability(picture: Shown): number {
  const all = Object.values(picture.said);
  return all.reduce((sum, one) => sum + one.answer.probability, 0) / Math.max(1, all.length);
}

/** A table of all answers with a row for each picture and model, as from the server. */
export function answerRows(pictures: readonly Shown[], top: number): string[][] {
  const known = pictures.some(({ truth }) => truth !== null);
  const places = Array.from({ length: top }, (_, place) => place);
  const header = places.flatMap((n) => [`class ${n + 1}`, `probability ${n + 1}`]);
  const rows = pictures.flatMap((picture) =>
    Object.entries(picture.said).map(([model, { answer }]) => [
      picture.name,
      picture.file ? pathOf(picture.file) : answer.path,
      ...(known ? [picture.truth ?? ""] : []),
      model,
      isOutOfDistribution(answer) ? "out of distribution" : answer.words,
      ...places.flatMap((n) => {
        const one = answer.top[n];
        return one ? [one.label, one.probability.toFixed(6)] : ["", ""];
      }),
    ]),
  );
  return [["picture", "path", ...(known ? ["label"] : []), "model", "verdict", ...header], ...rows];
}
