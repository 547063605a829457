/** All models' answers to one picture in one line. */
import { isBlank, isOutOfDistribution } from "../../lib/answer.ts";
import { t } from "../../lib/language.svelte.ts";
import type { PictureAnswer } from "../../lib/models.ts";

/** Such as "3 of 4 models say house; 1 has never seen anything like it."; "" for one model. */
export function together(answers: readonly PictureAnswer[]): string {
  const all = answers.length;
  if (all < 2) return "";
  if (answers.every(isBlank)) return t("try.blank");
  const strange = answers.filter(isOutOfDistribution).length;
  const blank = answers.filter(isBlank).length;
  if (strange === all) return t("try.allStrange", { n: all });
  const counts = new Map<string, number>();
  for (const answer of answers) {
    if (isOutOfDistribution(answer) || isBlank(answer)) continue;
    counts.set(answer.label, (counts.get(answer.label) ?? 0) + 1);
  }
  const said = [...counts].sort(([, a], [, b]) => b - a); // stable: the first model breaks ties
  const parts = said.map(([label, votes], place) => {
    if (place) return t("try.says", { n: votes, label });
    return votes === all
      ? t("try.allSay", { n: all, label })
      : t("try.someSay", { n: votes, all, label });
  });
  if (strange) parts.push(t("try.strange", { n: strange }));
  if (blank) parts.push(t("try.seesNothing", { n: blank }));
  return t("try.sentence", { parts: parts.join("; ") });
}
