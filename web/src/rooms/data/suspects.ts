/** Labels to look at again: several approaches, none of which saw the picture, name one other class. */
import type { Approach, Run } from "../../lib/run.ts";

export interface Suspect {
  row: number;
  /** Index of the class that they name. */
  other: number;
  /** Those who name it. */
  agreeing: Approach[];
  /** How many of them are sure. */
  sure: number;
  /** How many were asked. */
  asked: number;
  /** Mean over all that were asked, in nats. */
  loss: number;
}

export const SURE = 0.8; // the least probability of the other class
export const TINY = 0.05; // the most of the class that the label names
export const LEAST = 2; // approaches that are sure

/** The most doubtful first. */
export function suspects(run: Run): Suspect[] {
  const found: Suspect[] = [];
  for (let row = 0; row < run.length; row++) {
    const asked = run.approaches.filter((one) => one.asked(row));
    const sure = asked.filter(
      (one) =>
        !run.right(one, row) && one.confidence(row) >= SURE && one.loss(row) >= -Math.log(TINY),
    );
    for (const other of new Set(sure.map((one) => one.answer[row]!))) {
      const named = (one: Approach) => one.answer[row] === other;
      const votes = sure.filter(named).length;
      // Where those who are sure name different classes, more than half must agree.
      if (votes < LEAST || 2 * votes <= sure.length) continue;
      const agreeing = asked.filter(named);
      found.push({
        row,
        other,
        agreeing,
        sure: votes,
        asked: asked.length,
        loss: meanLoss(asked, row),
      });
    }
  }
  return found.sort((a, b) => b.loss - a.loss || a.row - b.row);
}

/** Mean loss over the approaches that were asked of a picture; null where none was. */
export function hardness(run: Run, row: number): number | null {
  const asked = run.approaches.filter((one) => one.asked(row));
  return asked.length ? meanLoss(asked, row) : null;
}

function meanLoss(approaches: Approach[], row: number): number {
  return approaches.reduce((sum, one) => sum + one.loss(row), 0) / approaches.length;
}
