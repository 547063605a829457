/** All models' answers to one picture in one line. */
import { isBlank, isOutOfDistribution } from "../../lib/answer.ts";
import type { PictureAnswer } from "../../lib/models.ts";

const NUMBERS = ["none", "one", "two", "three", "four", "five", "six"];

/** Such as "3 of 4 models say house; one has never seen anything like it"; "" for one model. */
export function together(answers: readonly PictureAnswer[]): string {
  if (answers.length < 2) return "";
  if (answers.every(isBlank)) return "Nothing is drawn.";
  const strange = answers.filter(isOutOfDistribution).length;
  const blank = answers.filter(isBlank).length;
  const all = answers.length;
  if (strange === all) return `None of the ${all} models has seen anything like it.`;
  const counts = new Map<string, number>();
  for (const answer of answers) {
    if (isOutOfDistribution(answer) || isBlank(answer)) continue;
    counts.set(answer.label, (counts.get(answer.label) ?? 0) + 1);
  }
  const said = [...counts].sort(([, a], [, b]) => b - a); // stable: the first model breaks ties
  const parts = said.map(([label, votes], place) =>
    place === 0
      ? votes === all
        ? `All ${all} models say ${label}`
        : `${votes} of ${all} models ${votes === 1 ? "says" : "say"} ${label}`
      : `${NUMBERS[votes] ?? votes} ${votes === 1 ? "says" : "say"} ${label}`,
  );
  if (strange) {
    const has = strange === 1 ? "has" : "have";
    parts.push(`${NUMBERS[strange] ?? strange} ${has} never seen anything like it`);
  }
  if (blank) parts.push(`${NUMBERS[blank] ?? blank} ${blank === 1 ? "sees" : "see"} nothing drawn`);
  return `${parts.join("; ")}.`;
}
