/** Which fold holds a picture out. */
import type { Rows } from "./ridge.ts";

const FOLDS = 5; // where the run had none
const TWIN = 1e-3; // squared distance of the features, over that of pictures from their mean

/** The fold of each of n rows, of which the first have theirs already, or -1.
 *
 * A further picture goes to the fold with the fewest pictures of its class, of these to that with
 * the fewest pictures, so that classes are spread evenly. One that hardly differs from an earlier
 * one goes where that is: no model may be scored on what it has seen.
 */
export function foldsWith(known: Int32Array, all: Rows): Int32Array {
  const folds = new Int32Array(all.size).fill(-1);
  folds.set(known);
  const highest = Math.max(-1, ...known);
  const count = highest < 0 ? FOLDS : highest + 1;
  const total = new Int32Array(count);
  const ofClass = new Int32Array(count * all.classes);
  const put = (row: number, fold: number) => {
    folds[row] = fold;
    total[fold]!++;
    ofClass[fold * all.classes + all.labels[row]!]!++;
  };
  known.forEach((fold, row) => fold >= 0 && put(row, fold));
  const near = TWIN * meanSquare(all);
  for (let row = 0; row < all.size; row++) {
    if (folds[row]! >= 0) continue;
    const twin = twinOf(all, folds, row, near);
    if (twin !== undefined) {
      put(row, folds[twin]!);
      continue;
    }
    let chosen = 0;
    const load = (fold: number) =>
      ofClass[fold * all.classes + all.labels[row]!]! * (all.size + 1) + total[fold]!;
    for (let fold = 1; fold < count; fold++) if (load(fold) < load(chosen)) chosen = fold;
    put(row, chosen);
  }
  return folds;
}

function twinOf(all: Rows, folds: Int32Array, row: number, near: number): number | undefined {
  const product = (one: number, other: number) => all.gram[one * all.size + other]!;
  for (let other = 0; other < all.size; other++) {
    if (other === row || folds[other]! < 0) continue;
    const apart = product(row, row) - 2 * product(row, other) + product(other, other);
    if (apart <= near) return other;
  }
  return undefined;
}

/** The mean squared distance of all rows from their mean. */
function meanSquare({ gram, size }: Rows): number {
  let [own, every] = [0, 0];
  for (let i = 0; i < size; i++) own += gram[i * size + i]!;
  for (const value of gram) every += value;
  return Math.max(own / size - every / size / size, 1e-12);
}
