import { describe, expect, it } from "vitest";
import type { Results } from "../../lib/run.ts";
import { madeUp } from "./made-up.ts";
import { facts, headline, settings } from "./words.ts";

const results = madeUp().results;

describe("headline", () => {
  it("is that of the verdict", () => {
    const verdict = { sentences: [], headline: "Trust CNN: it is clearly better.", use: "cnn" };
    expect(headline({ ...results, verdict })).toBe("Trust CNN: it is clearly better.");
  });

  it("names the winner of an older run", () => {
    const won = { ...results, winner: { name: "cnn", why: "" } };
    expect(headline(won)).toBe("Trust CNN");
    expect(headline({ ...won, approaches: won.approaches.slice(0, 1) })).toBe(
      "CNN, the only approach",
    );
  });

  it("says so if no approach is better", () => {
    expect(headline(results)).toBe("No clear winner");
  });
});

describe("facts", () => {
  const of = (name: string, changes: Partial<Results["protocol"]> = {}) =>
    facts({ ...results, protocol: { ...results.protocol, ...changes } }).find(
      (one) => one.name === name,
    )!.text;

  it("tell how it was scored", () => {
    expect(of("Scored by")).toBe("2-fold cross-validation on 6 pictures");
    expect(of("Scored by", { folds: 0 })).toBe(
      "the locked test alone, after training on 6 pictures",
    );
    expect(of("Scored by", { leave_one_group_out: true })).toMatch(
      /^leave-one-group-out: 2 groups/,
    );
  });

  it("tell when the locked test was opened", () => {
    expect(of("Locked test")).toBe("2 pictures, held out; not opened");
    expect(of("Locked test", { test_opened: "2026-01-02T03:04:05Z" })).toContain("opened once, ");
    expect(of("Locked test", { test: null })).toBe("none, every picture is in a fold");
  });

  it("tell which classes cannot be scored", () => {
    const unscored = ["empty", "blank"];
    expect(of("Cannot be scored", { unscored })).toBe("empty, blank");
    expect(of("Locked test", { test: null, unscored })).toBe("none");
  });

  it("tell on what", () => {
    expect(of("Machine")).toBe("abacus, 2 threads");
    expect(of("Kept together", { kept_together: "groups" })).toBe("duplicates and groups");
  });
});

it("puts settings side by side, shared ones first", () => {
  expect(settings(results.approaches.map((approach) => approach.settings))).toEqual([
    { name: "epochs", values: ["auto", "auto"] },
    { name: "training.rate", values: ["0.1", "0.1"] },
    { name: "of cnn", values: ["1, 2", null] },
    { name: "of vit", values: [null, "1, 2"] },
  ]);
  expect(settings([{ a: true, b: false, c: [] }])[2]).toEqual({ name: "c", values: ["none"] });
});
