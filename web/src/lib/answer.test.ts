import { expect, test } from "vitest";
import {
  answerOf,
  isBlank,
  isOutOfDistribution,
  NOTHING_DRAWN,
  thresholdsOf,
  verdictKind,
} from "./answer.ts";
import { verdictWords } from "./verdict.ts";

const TRUST = { least_probability: 0.1, max_ood_score: 2 };
const CLASSES = ["a", "b", "c", "d", "e", "f"];

test("one likely class is sure", () => {
  const said = answerOf("x.png", [0.02, 0.95, 0.03, 0, 0, 0], 1, CLASSES, TRUST, 3);
  expect(said.label).toBe("b");
  expect([said.verdict, said.words, said.possible]).toEqual(["sure", "sure", ["b"]]);
  expect(said.top.map((candidate) => candidate.label)).toEqual(["b", "c", "a"]);
});

test("several likely classes are between, most probable first", () => {
  const two = answerOf("", [0.3, 0.6, 0.05, 0.05, 0, 0], 1, CLASSES, TRUST, 5);
  expect([two.verdict, two.words]).toEqual(["between", "between b and a"]);
  const three = answerOf("", [0.3, 0.5, 0.2, 0, 0, 0], 1, CLASSES, TRUST, 5);
  expect(three.words).toBe("between b, a and c");
  const five = answerOf("", [0.2, 0.2, 0.2, 0.2, 0.2, 0], 1, CLASSES, TRUST, 5);
  expect(five.words).toBe("between a, b, c and d …");
});

test("a class exactly at the threshold is possible", () => {
  const said = answerOf("", [0.9, 0.1, 0, 0, 0, 0], 1, CLASSES, TRUST, 1);
  expect(said.possible).toEqual(["a", "b"]);
});

test("a picture less like the training data than the threshold is none of these", () => {
  const said = answerOf("", [0.5, 0.5, 0, 0, 0, 0], 2.1, CLASSES, TRUST, 1);
  expect([said.verdict, said.words]).toEqual(["out of distribution", "none of these"]);
  expect(answerOf("", [1, 0, 0, 0, 0, 0], 2, CLASSES, TRUST, 1).verdict).toBe("sure");
});

test("without thresholds every answer is sure", () => {
  const said = answerOf("", [0.2, 0.2, 0.2, 0.2, 0.1, 0.1], 99, CLASSES, null, 9);
  expect(said.verdict).toBe("sure");
  expect(said.top).toHaveLength(6);
});

test("a blank picture has no answer, with thresholds or without", () => {
  for (const trust of [TRUST, null]) {
    const said = answerOf("", [1, 0, 0, 0, 0, 0], NOTHING_DRAWN, CLASSES, trust, 1);
    expect([said.verdict, said.words]).toEqual(["nothing drawn", "nothing drawn"]);
    expect([isBlank(said), isOutOfDistribution(said), verdictKind(said)]).toEqual([
      true,
      false,
      "none",
    ]);
  }
});

test("sure is a promise that needs a probability, and enough pictures", () => {
  const rule = (least: number | null) => ({ ...TRUST, sure: { least_probability: least } });
  const words = (probability: number, least: number | null) => {
    const shares = [probability, 0.05, 0, 0, 0, 0];
    const said = answerOf("", shares, 1, CLASSES, rule(least), 1);
    return [said.verdict, said.words];
  };
  expect(words(0.9, 0.8)).toEqual(["sure", "sure"]);
  expect(words(0.8, 0.8)).toEqual(["sure", "sure"]);
  expect(words(0.7, 0.8)).toEqual(["unsure", "not sure"]);
  expect(words(1, null)).toEqual(["unsure", "not enough pictures to be sure"]);
  const between = answerOf("", [0.5, 0.4, 0, 0, 0, 0], 1, CLASSES, rule(null), 1);
  expect(between.verdict).toBe("between");
});

test("a drawing that is less like the known ones is not sure, though it is not refused", () => {
  const verdict = (oodScore: number, limit: number | null) => {
    const sure = { least_probability: 0.8, max_ood_score: limit };
    const trust = { ...TRUST, sure };
    return answerOf("", [0.9, 0.05, 0, 0, 0, 0], oodScore, CLASSES, trust, 1).verdict;
  };
  expect([verdict(1, 1), verdict(1.5, 1), verdict(1.5, null)]).toEqual(["sure", "unsure", "sure"]);
  expect(verdict(2.5, 1)).toBe("out of distribution");
});

test("bundles of schema 1 name a threshold otherwise", () => {
  const old = { least_probability: 0.1, most_strangeness: 2 };
  expect(thresholdsOf(old)).toEqual(TRUST);
  expect(thresholdsOf(TRUST)).toEqual(TRUST);
  expect(thresholdsOf(null)).toBeNull();
});

test("the verdict of servers before and since has the same words", () => {
  for (const verdict of ["none of these", "out of distribution"]) {
    const answer = { verdict, words: verdict } as Parameters<typeof verdictWords>[0];
    expect(isOutOfDistribution(answer)).toBe(true);
    expect([verdictKind(answer), verdictWords(answer)]).toEqual(["none", "none of these"]);
  }
  const between = {
    verdict: "between",
    words: "between a and b",
    possible: ["a", "b"],
  } as const;
  expect(isOutOfDistribution(between)).toBe(false);
  expect([
    verdictKind(between),
    verdictWords({ ...between, possible: [...between.possible] }),
  ]).toEqual(["between", "between a and b"]);
});

test("each class has its own threshold where classes are uneven", () => {
  const trust = { ...TRUST, least_by_class: [0.1, 0.3, 0.01, 0.9, 0.9, 0.9] };
  const said = answerOf("", [0.6, 0.29, 0.02, 0.05, 0.03, 0.01], 1, CLASSES, trust, 1);
  expect(said.possible).toEqual(["a", "c"]);
});

test("the cheapest answer is named where costs are known", () => {
  const cost = [{ truth: "c", answer: "a", cost: 50 }];
  const named = (given: typeof cost) =>
    answerOf("", [0.9, 0.06, 0.04], 1, ["a", "b", "c"], null, 1, given).cheapest;
  expect(named(cost)).toBe("b");
  expect(named([{ truth: "c", answer: "a", cost: 1 }])).toBe("a");
  expect(named([{ truth: "a", answer: "a", cost: 3 }])).toBe("b");
  expect(named([])).toBeNull();
});
