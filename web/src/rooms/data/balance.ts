/** Whether the classes are about equally large, in words. */
import { count, percent, plural } from "../../lib/format.ts";

const UNEVEN = 3; // ratio of sizes from which accuracy mostly measures the large classes
const FEW = 10; // pictures of a class; below this its figures are unreliable

export interface Balance {
  even: boolean;
  words: string[];
}

export function balance(classes: readonly string[], counts: readonly number[]): Balance {
  const least = Math.min(...counts);
  const most = Math.max(...counts);
  const total = counts.reduce((sum, one) => sum + one, 0);
  const small = classes[counts.indexOf(least)]!;
  const large = classes[counts.indexOf(most)]!;
  const uneven = most >= UNEVEN * Math.max(1, least);
  const words: string[] = [];
  if (uneven) {
    const times = least === 0 ? "" : `, ${count(most / least)} times as many as “${small}”`;
    words.push(
      `The classes differ a lot in size: “${large}” has ${plural(most, "picture")}${times}` +
        `${least === 0 ? ` and “${small}” has none` : ` with ${count(least)}`}. ` +
        "Every picture counts the same in the accuracy, so the large classes dominate it: " +
        "check the small ones separately.",
      `Always answering “${large}” would be right for ${percent(most / total)} of the pictures.`,
    );
  } else {
    const span = least === most ? count(most) : `${count(least)} to ${count(most)}`;
    words.push(`The classes are of similar size: ${span} pictures each.`);
  }
  const few = classes.filter((_, number) => counts[number]! < FEW);
  if (few.length) {
    const named = few.slice(0, 3).map((name) => `“${name}”`);
    const rest = few.length - named.length;
    const all = rest ? `${named.join(", ")} and ${count(rest)} more` : listed(named);
    words.push(
      `${all} ${few.length === 1 ? "has" : "have"} fewer than ${FEW} pictures: ` +
        "their figures may be due to chance.",
    );
  }
  return { even: !uneven && !few.length, words };
}

function listed(names: string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
