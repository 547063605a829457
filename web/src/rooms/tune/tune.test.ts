import { describe, expect, it } from "vitest";
import { optimismLines } from "./optimism.ts";
import { madeUpSearch, madeUpStudy } from "./made-up.ts";
import { best, changed, done, finished, MEASURES, plain, records, trial, worth } from "./study.ts";
import { columns, order, sorted, tableRows } from "./table.ts";
import { facts, headline, trialWords } from "./words.ts";

const search = madeUpSearch();
const view = madeUpStudy();

describe("a search", () => {
  it("counts what is over, and scores what is finished", () => {
    expect(done(search)).toBe(5);
    expect(finished(search).map((one) => one.number)).toEqual([0, 1, 3]);
    expect(trial(search, 3)?.accuracy).toBe(0.95);
    expect(trial(search, undefined)).toBeUndefined();
  });

  it("has a best so far that only gets better, whichever end that is", () => {
    expect(records(search, MEASURES.loss)).toEqual([
      [0, 0.4],
      [3, 0.2],
    ]);
    expect(records(search, MEASURES.accuracy).map(([number]) => number)).toEqual([0, 3]);
    expect(records(search, MEASURES.latency)).toEqual([
      [0, 2],
      [1, 1],
    ]);
    expect(best(search, MEASURES.size)?.number).toBe(1);
    expect(best({ ...search, trials: [] }, MEASURES.loss)).toBeUndefined();
    expect(
      records({ ...search, trials: [{ ...search.trials[0]!, loss: null }] }, MEASURES.loss),
    ).toEqual([]);
  });

  it("ranks its trials from the best", () => {
    expect([...worth(search.trials, MEASURES.loss)]).toEqual([
      [0, 2 / 3],
      [1, 1 / 3],
      [3, 1],
    ]);
    const same = search.trials.map((trial) => ({ ...trial, loss: 0.1 }));
    expect(new Set(worth(same, MEASURES.loss).values())).toEqual(new Set([1]));
  });

  it("knows what is not a default", () => {
    expect([...changed(search, search.trials[0]!)]).toEqual([]);
    expect([...changed(search, search.trials[1]!)]).toEqual(["filters", "epochs"]);
  });
});

describe("words", () => {
  it("say what to use, at any stage of the search", () => {
    expect(headline(view, search)).toBe("Use trial 3");
    expect(
      headline(view, { ...search, recommendation: { ...search.recommendation!, trial: 0 } }),
    ).toBe("Keep the defaults");
    const going = { ...view, state: "in progress" as const };
    expect(headline(going, { ...search, recommendation: null })).toBe("Trial 3 is the best so far");
    expect(
      headline({ ...view, state: "interrupted" }, { ...search, recommendation: null }),
    ).toMatch(/of the finished trials/);
    expect(headline(going, { ...search, recommendation: null, trials: [] })).toMatch(/^No trial/);
  });

  it("describe a trial in a line", () => {
    expect(trialWords(view.study, search.trials[3]!, 3)).toBe(
      "Trial 3: loss 0.200, time for one picture 3.00 ms, recommended",
    );
    expect(trialWords(view.study, search.trials[0]!, 3)).toMatch(/, the defaults$/);
    expect(trialWords(view.study, search.trials[2]!, 3)).toBe("Trial 2: stopped early");
  });

  it("say which pictures had which role", () => {
    const text = Object.fromEntries(facts(view, search).map((one) => [one.name, one.text]));
    expect(text["Aim"]).toBe("loss, then time for one picture");
    expect(text["Inner pictures"]).toBe("80 in 3 folds, used by the trials");
    expect(text["Outer pictures"]).toBe("20, used by no trial");
    expect(text["Trials"]).toBe("3 finished, 1 stopped early, 1 failed, 1 running");
    const locked = structuredClone(view);
    locked.study.protocol.test_pictures = 10;
    locked.study.finished = null;
    const more = facts(locked, { ...search, trials: [] });
    expect(more.find((one) => one.name === "Outer pictures")?.text).toMatch(
      /10 in the locked test/,
    );
    expect(more.find((one) => one.name === "Trials")?.text).toBe("0 finished");
    expect(more.some((one) => one.name === "Finished")).toBe(false);
  });
});

describe("optimism", () => {
  it("puts the search's own score beside those on outer pictures, each once", () => {
    const lines = optimismLines(search, search.recommendation!, 0);
    expect(lines.map((line) => [line.text, line.whisker.value])).toEqual([
      ["Trial 3 in the search", 0.95],
      ["Trial 3 on outer pictures", 0.9],
      ["The defaults on outer pictures", 0.89],
    ]);
    expect(lines[0]!.interval).toBeNull();
    expect(lines[1]!.interval).toBe("80.0–95.0\u202f%");
  });

  it("names a recommendation that is not the best", () => {
    const lines = optimismLines(search, { ...search.recommendation!, trial: 1 }, 0);
    expect(lines.map((line) => line.text)).toContain("Trial 1, recommended, on outer pictures");
    expect(optimismLines(search, { ...search.recommendation!, trial: 0 }, 0)).toHaveLength(3);
    const kept = optimismLines(search, { ...search.recommendation!, trial: 0, best: 0 }, 0);
    expect(kept.map((one) => one.text)).toEqual([
      "The defaults in the search",
      "The defaults on outer pictures",
    ]);
  });

  it("is empty without outer pictures or a score", () => {
    expect(optimismLines(search, { ...search.recommendation!, outer: null }, 0)).toHaveLength(1);
    expect(optimismLines(search, { ...search.recommendation!, best: 4, outer: null }, 0)).toEqual(
      [],
    );
  });
});

describe("the table", () => {
  const all = columns(search);
  const numbers = (text: string) => {
    const { by, reversed } = order(text, all, "trial");
    return sorted(search.trials, by, reversed).map((one) => one.number);
  };

  it("has a column for every setting", () => {
    expect(all.slice(-3).map((one) => one.title)).toEqual(["filters", "rate", "epochs"]);
    expect(all.slice(-3).map((one) => one.numeric)).toEqual([false, true, true]);
    expect(all.at(-3)!.text(search.trials[0]!)).toBe("auto");
    expect(all.find((one) => one.key === "loss")!.text(search.trials[2]!)).toBe("–");
    const choices = {
      ...search,
      space: { k: { choices: [3, 5], log: false, whole: false, default: 3 } },
    };
    expect(columns(choices).at(-1)!.numeric).toBe(true);
  });

  it("is sorted either way, what is not known last", () => {
    expect(numbers("loss")).toEqual([3, 0, 1, 2, 4, 5]);
    expect(numbers("-loss")).toEqual([1, 0, 3, 2, 4, 5]);
    expect(numbers("accuracy")).toEqual([3, 0, 1, 2, 4, 5]);
    expect(numbers("set:rate")[5]).toBe(3);
    expect(numbers("-set:filters")[0]).toBe(3);
    expect(numbers("state")[0]).toBe(4);
    expect(numbers("nothing")).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("is exported as measured", () => {
    const rows = tableRows(view.study);
    expect(rows[0]!.slice(-3)).toEqual(["filters", "rate", "epochs"]);
    const measured = [0.95, 0.2, 225_000, 900_000, 3, 10];
    expect(rows[4]).toEqual(["cnn", 3, "finished", ...measured, "32,64", 0.1, 60]);
    expect(rows[1]!.slice(-3)).toEqual(["none", 0.01, "none"]);
    expect(rows[3]!.slice(0, 5)).toEqual(["cnn", 2, "pruned", "", ""]);
    const two = { ...view.study, searches: [search, { ...search, name: "vit", space: {} }] };
    expect(tableRows(two)[7]!.slice(-3)).toEqual(["", "", ""]);
  });
});

it("parses every setting of every trial", () => {
  const trialWords = structuredClone(view);
  const domain = { log: false, whole: false };
  trialWords.study.searches[0]!.space = {
    filters: { ...domain, choices: ["none", "16,32"], default: "none" },
    dense: { ...domain, choices: ["", "64"], default: "" },
    rate: { ...domain, low: 0, high: 1, default: 0.5 },
    other: { ...domain, low: 0, high: 1 },
  };
  trialWords.study.searches[0]!.trials = [
    { ...search.trials[0]!, settings: {} },
    { ...search.trials[1]!, settings: { filters: "16,32", dense: "64", rate: 0.1 } },
  ];
  const [found] = plain(trialWords).study.searches;
  expect(found!.space["filters"]!.choices).toEqual([null, [16, 32]]);
  expect(found!.space["rate"]!.choices).toBeNull();
  expect(found!.trials.map((trial) => trial.settings)).toEqual([
    { filters: null, dense: [], rate: 0.5, other: null },
    { filters: [16, 32], dense: "64", rate: 0.1, other: null },
  ]);
});
