/** A small run for tests. */
import { Run, type View } from "../../lib/run.ts";
import type { Health } from "./labels.ts";

export interface Said {
  answer: number;
  confidence: number;
  /** The probability of the true class. */
  truth: number;
}

interface MadeUp {
  names: string[];
  labels: number[];
  classes: string[];
  groups?: { names: string[]; of: number[] };
  parts?: { names: string[]; of: number[] };
  said?: (Said | null)[][];
  duplicates?: { names: string[]; labels: string[]; exact: boolean; rows?: number[] }[];
  health?: Health;
}

const NOTHING = 65535;

export function madeUp(of: MadeUp): Run {
  const said = of.said ?? [];
  const parts = of.parts ?? { names: ["fold 1"], of: of.labels.map(() => 0) };
  const view = {
    results: {
      dataset: {
        classes: of.classes,
        groups: of.groups?.names ?? [],
        duplicates: of.duplicates ?? [],
      },
      health: of.health ?? null,
      protocol: { fold_names: parts.names.filter((name) => name.startsWith("fold")) },
      approaches: said.map((_, number) => ({ name: `a${number}`, title: `A ${number}` })),
    },
    pictures: {
      names: of.names,
      labels: column(of.labels),
      groups: of.groups ? column(of.groups.of) : null,
      parts: column(parts.of),
      part_names: parts.names,
    },
    predictions: Object.fromEntries(
      said.map((all, number) => [
        `a${number}`,
        {
          answer: column(all.map((one) => one?.answer ?? NOTHING)),
          confidence: column(all.map((one) => Math.round((one?.confidence ?? 0) * 65535))),
          loss: column(all.map((one) => Math.round(-1000 * Math.log(one?.truth ?? 1)))),
        },
      ]),
    ),
    corrections: "",
    sheets: { tile: 8, across: 16, per_sheet: 256, urls: [], rows: null },
  };
  return new Run("made up", view as unknown as View);
}

function column(values: number[]): string {
  return btoa(String.fromCharCode(...new Uint8Array(new Uint16Array(values).buffer)));
}
