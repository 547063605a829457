/** What a model says of one picture, and whether to believe it: `bundle/answer.py`, in TypeScript. */
import type { PictureAnswer } from "./models.ts";
import type { Schema } from "./api.ts";

/** K probabilities and a strangeness, in words.
 *
 * Without thresholds every answer is "sure": there was no picture to set them by.
 */
export function answerOf(
  name: string,
  probabilities: ArrayLike<number>,
  strangeness: number,
  classes: readonly string[],
  trust: Pick<Schema["Trust"], "least_probability" | "most_strangeness"> | null,
  top: number,
): PictureAnswer {
  const ranking = classes
    .map((label, place) => ({ label, probability: probabilities[place]! }))
    .sort((a, b) => b.probability - a.probability); // stable, as in Python
  const [best, ...others] = ranking;
  const likely = trust ? others.filter((one) => one.probability >= trust.least_probability) : [];
  const possible = [best!, ...likely].map((one) => one.label);
  const strange = trust !== null && strangeness > trust.most_strangeness;
  const verdict = strange ? "none of these" : likely.length ? "between" : "sure";
  return {
    name,
    label: best!.label,
    probability: best!.probability,
    verdict,
    words: verdict === "between" ? betweenWords(possible) : verdict,
    possible,
    top: ranking.slice(0, top),
    strangeness,
  };
}

function betweenWords(possible: readonly string[]): string {
  const named = possible.slice(0, 4);
  const more = possible.length > 4 ? " …" : "";
  return `between ${named.slice(0, -1).join(", ")} and ${named.at(-1)}${more}`;
}
