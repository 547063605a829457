/** A made-up study, small enough to check by hand; for tests. */
import type { Search, StudyView, Trial } from "./study.ts";

const OUTER = { accuracy: 0.9, interval: [0.8, 0.95] as [number, number], loss: 0.3 };

function trial(number: number, some: Partial<Trial>): Trial {
  return {
    number,
    state: "finished",
    settings: { filters: [16, 32], rate: 0.01, epochs: 20 },
    seconds: 10,
    front: false,
    folds: [],
    ...some,
  };
}

export function madeUpSearch(): Search {
  return {
    name: "cnn",
    title: "CNN from scratch",
    wanted: 6,
    space: {
      filters: { choices: [[16, 32], [32, 64], null], log: false, whole: false, default: null },
      rate: { low: 0.001, high: 0.1, log: true, whole: false, default: 0.01 },
      epochs: { low: 10, high: 60, log: false, whole: true, default: null },
    },
    trials: [
      trial(0, {
        settings: { filters: null, rate: 0.01, epochs: null },
        accuracy: 0.9,
        loss: 0.4,
        latency_ms: 2,
        bytes: 500_000,
        parameters: 120_000,
      }),
      trial(1, { accuracy: 0.88, loss: 0.5, latency_ms: 1, bytes: 200_000, parameters: 50_000 }),
      trial(2, { state: "pruned", why: "hopeless", seconds: 2 }),
      trial(3, {
        settings: { filters: [32, 64], rate: 0.1, epochs: 60 },
        accuracy: 0.95,
        loss: 0.2,
        latency_ms: 3,
        bytes: 900_000,
        parameters: 225_000,
        front: true,
      }),
      trial(4, { state: "failed", why: '=1+1 broke, "badly"' }),
      trial(5, { state: "running" }),
    ],
    importance: null,
    recommendation: {
      trial: 3,
      why: "It is best.",
      best: 3,
      outer: { defaults: { ...OUTER, accuracy: 0.89 }, best: OUTER, recommendation: OUTER },
      optimism: 0.05,
      optimism_interval: [-0.01, 0.1],
      words: "It overestimate.",
    },
  };
}

export function madeUpStudy(): StudyView {
  return {
    state: "finished",
    settings: "[cnn]\n",
    command: "bakeoff run pictures --settings settings.toml",
    resume: null,
    study: {
      schema_version: 1,
      bakeoff_version: "0.1",
      created: "2026-11-22T09:00:00+00:00",
      finished: "2026-11-22T09:30:00+00:00",
      source: "pictures",
      name: "drawings",
      description: "drawings: 100 pictures",
      pictures: 100,
      classes: ["a", "b"],
      protocol: {
        aims: ["loss", "latency"],
        seed: 0,
        budget: "standard",
        inner_folds: 3,
        inner_pictures: 80,
        outer_pictures: 20,
        test_pictures: 0,
        storage: "sqlite",
      },
      machine: { processor: "x86_64", threads: "1", device: "cpu" },
      searches: [madeUpSearch()],
    },
  };
}
