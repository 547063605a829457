/** Whether the classes are about equally large, in words. */
import { percent } from "../../lib/format.ts";
import { listed, t } from "../../lib/language.svelte.ts";

const UNEVEN = 3; // ratio of sizes from which accuracy mostly measures the large classes
const FEW = 10; // pictures of a class; below this its figures are unreliable

export interface Balance {
  even: boolean;
  /** Whether they are of similar size, as the first of the words says. */
  similar: boolean;
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
    const sizes = { large, small, least, most: t("count.pictures", { n: most }) };
    words.push(
      least === 0
        ? t("balance.empty", sizes)
        : t("balance.uneven", { ...sizes, times: Math.round(most / least) }),
      t("balance.always", { label: large, share: percent(most / total) }),
    );
  } else {
    words.push(t(least === most ? "balance.even" : "balance.evenRange", { least, n: most }));
  }
  const few = classes.filter((_, number) => counts[number]! < FEW);
  if (few.length) {
    const named = few.slice(0, 3).map((name) => t("balance.quoted", { name }));
    const rest = few.length - named.length;
    const all = listed(rest ? [...named, t("balance.more", { n: rest })] : named);
    words.push(t("balance.few", { n: few.length, names: all, few: FEW }));
  }
  return { even: !uneven && !few.length, similar: !uneven, words };
}
