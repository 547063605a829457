/** The true classes of pictures, as folders and tables name them, and how many answers are right. */
import type { Shown } from "./sift.ts";

/** The class that a label, or else the nearest folder around a picture, names; null if none does. */
export function truthOf(
  path: string,
  label: string | null,
  classes: readonly string[],
): string | null {
  const folders = path.split("/").slice(0, -1).reverse();
  for (const name of label === null ? folders : [label]) {
    const found = classOf(name, classes);
    if (found !== null) return found;
  }
  return null;
}

function classOf(name: string, classes: readonly string[]): string | null {
  const text = name.normalize("NFC").trim();
  const lower = text.toLowerCase();
  const alike = classes.filter((one) => one.normalize("NFC").toLowerCase() === lower);
  return (
    alike.find((one) => one.normalize("NFC") === text) ?? (alike.length === 1 ? alike[0]! : null)
  );
}

/** Whether a model's answer to a picture is wrong; false where the truth is not known. */
export function isWrong(picture: Shown, model: string): boolean {
  const label = picture.said[model]?.answer.label;
  return picture.truth !== null && label !== undefined && label !== picture.truth;
}

/** How many of the pictures with a known class a model names right. */
export function score(pictures: readonly Shown[], model: string): { right: number; of: number } {
  const known = pictures.filter((one) => one.truth !== null && one.said[model]);
  return { right: known.filter((one) => !isWrong(one, model)).length, of: known.length };
}
