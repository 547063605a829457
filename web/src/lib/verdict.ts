/** A model's verdict on a picture in the reader's language. */
import { isBlank, isOutOfDistribution, MOST_NAMED, TOO_FEW } from "./answer.ts";
import { listed, t } from "./language.svelte.ts";
import type { PictureAnswer } from "./models.ts";

/** As the page shows it: sure, between A and B, none of these. Tables keep the server's English. */
export function verdictWords(
  answer: Pick<PictureAnswer, "verdict" | "words" | "possible">,
): string {
  if (isOutOfDistribution(answer)) return t("answer.none");
  if (isBlank(answer)) return t("answer.blank");
  if (answer.verdict === "sure") return t("answer.sure");
  if (answer.verdict === "unsure")
    return t(answer.words === TOO_FEW ? "answer.tooFew" : "answer.notSure");
  const classes = listed(answer.possible.slice(0, MOST_NAMED));
  const more = answer.possible.length > MOST_NAMED;
  return t(more ? "answer.betweenMore" : "answer.between", { classes });
}
