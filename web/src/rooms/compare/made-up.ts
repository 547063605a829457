/** A made-up run of eight pictures, small enough to check by hand; for tests. */
import { Run, type View } from "../../lib/run.ts";

const CLASSES = ["arrow", "bolt", "cloud"];
//                 0  1  2  3  4  5  6  7    the last two are the locked test
const LABELS = [0, 0, 1, 1, 2, 2, 0, 1];
const GROUPS = [0, 1, 0, 1, 0, 1, 0, 1];
const PARTS = [2, 2, 2, 3, 3, 3, 4, 4];
const ANSWERS = {
  cnn: [0, 1, 1, 1, 2, 1, 0, 0],
  vit: [0, 0, 1, 0, 1, 1, 0, 1],
};
const LOSSES = {
  cnn: [10, 900, 20, 30, 40, 2500, 50, 1200],
  vit: [10, 20, 30, 1100, 3000, 700, 40, 50],
};

function column(values: number[]): string {
  return Buffer.from(new Uint16Array(values).buffer).toString("base64");
}

function confusion(answers: number[], rows: number[]): number[][] {
  const counts = CLASSES.map(() => CLASSES.map(() => 0));
  for (const row of rows) counts[LABELS[row]!]![answers[row]!]!++;
  return counts;
}

function scores(answers: number[], rows: number[]) {
  const correct = rows.filter((row) => answers[row] === LABELS[row]).length;
  const accuracy = correct / rows.length;
  const measured = (name: string, of: number[]) => ({
    name,
    pictures: of.length,
    accuracy: of.filter((row) => answers[row] === LABELS[row]).length / (of.length || 1),
    interval: [0, 1],
    loss: 0.5,
    precision: 0.5,
    f1: 0.5,
  });
  return {
    pictures: rows.length,
    correct,
    accuracy,
    interval: [accuracy / 2, 1],
    loss: 1 - accuracy,
    calibration_error: 0.1,
    per_class: CLASSES.map((name, n) =>
      measured(
        name,
        rows.filter((row) => LABELS[row] === n),
      ),
    ),
    loss_interval: [0.9 * (1 - accuracy), 1.2 * (1 - accuracy)],
    calibration_interval: [0.05, 0.2],
    calibration_null_level: 0.2,
    per_group: [],
    confusion: confusion(answers, rows),
    reliability: [{ lower: 0.5, upper: 0.9, pictures: rows.length, confidence: 0.7, accuracy }],
  };
}

export function madeUp(): Run {
  const [folds, test] = [
    [0, 1, 2, 3, 4, 5],
    [6, 7],
  ];
  const approaches = (["cnn", "vit"] as const).map((name, n) => ({
    name,
    title: name.toUpperCase(),
    settings: { epochs: null, training: { rate: 0.1 }, [`of ${name}`]: [1, 2] },
    parameters: 1000 + n,
    bytes: 4000 + n,
    seconds: { folds: 10 - n, final: 5 },
    peak_memory_mb: 100,
    latency: { batch_1_ms: 1, batch_64_ms: 20 },
    out_of_fold: scores(ANSWERS[name], folds!),
    test: scores(ANSWERS[name], test!),
    macs: 40_000 * (n + 1),
    learning: {
      points: [
        { pictures: 2, accuracy: 0.4, interval: [0.2, 0.6], fits: 2 },
        { pictures: 4, accuracy: 0.5, interval: [0.3, 0.7], fits: 2 },
        { pictures: 6, accuracy: 0.6, interval: [0.4, 0.8], fits: 2 },
      ],
      floor: 0.1,
      scale: 1,
      exponent: 0.5,
      forecasts: [{ times: 2, pictures: 12, accuracy: 0.7, interval: [0.5, 0.8] }],
      words: "More pictures would help.",
    },
    robustness: {
      pictures: 6,
      clean: 0.6,
      mean: 0.4,
      corruptions: [
        {
          name: "turn",
          words: "turned",
          strengths: ["3°", "6°"],
          accuracy: [0.5, 0.3 - 0.1 * n],
        },
      ],
      weakest: ["turn"],
      words: "It is not robust to rotation.",
    },
  }));
  return new Run("made up", {
    results: {
      created: "2026-01-02T03:04:05+00:00",
      finished: "2026-01-02T03:05:05+00:00",
      machine: { processor: "abacus", threads: "2" },
      dataset: {
        name: "made up",
        description: "8 pictures",
        classes: CLASSES,
        groups: ["ink", "chalk"],
      },
      protocol: {
        folds: 2,
        seed: 7,
        kept_together: "duplicates",
        leave_one_group_out: false,
        training_pictures: 6,
        test: "held out",
        test_pictures: 2,
        test_opened: null,
      },
      approaches,
      comparison: [{ a: "cnn", b: "vit", only_a: 2, only_b: 1 }],
      test_comparison: [{ a: "vit", b: "cnn", only_a: 1, only_b: 0 }],
      winner: { name: null, why: "too close to call" },
      health: {
        odd: [],
        suspects: [
          {
            index: 2,
            name: "bolt/2.png",
            label: "bolt",
            proposed: "cloud",
            quality: 0.1,
            agree: ["cnn"],
          },
        ],
        shortcuts: [],
        words: [],
      },
      verdict: {
        sentences: [
          { about: "which", text: "None is clearly best." },
          { about: "next", text: "Fix the labels.", see: "suspects", name: null },
          { about: "where", text: "All fail on “cloud”." },
        ],
      },
    },
    pictures: {
      names: LABELS.map((label, row) => `${CLASSES[label]}/${row}.png`),
      labels: column(LABELS),
      groups: column(GROUPS),
      parts: column(PARTS),
      part_names: ["kept out", "training", "fold 1", "fold 2", "test"],
    },
    predictions: Object.fromEntries(
      (["cnn", "vit"] as const).map((name) => [
        name,
        {
          answer: column(ANSWERS[name]),
          confidence: column(LABELS.map(() => 60000)),
          loss: column(LOSSES[name]),
        },
      ]),
    ),
    sheets: { tile: 8, across: 16, per_sheet: 256, urls: [], rows: "" },
  } as unknown as View);
}
