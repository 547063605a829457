import { expect, test } from "vitest";
import { answerOf } from "./answer.ts";

const TRUST = { least_probability: 0.1, most_strangeness: 2 };
const CLASSES = ["a", "b", "c", "d", "e", "f"];

test("one likely class is sure", () => {
  const said = answerOf("x.png", [0.02, 0.95, 0.03, 0, 0, 0], 1, CLASSES, TRUST, 3);
  expect(said.label).toBe("b");
  expect([said.verdict, said.words, said.possible]).toEqual(["sure", "sure", ["b"]]);
  expect(said.top.map((one) => one.label)).toEqual(["b", "c", "a"]);
});

test("several likely classes are between, likeliest first", () => {
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

test("what is stranger than all that was learned from is none of these", () => {
  const said = answerOf("", [0.5, 0.5, 0, 0, 0, 0], 2.1, CLASSES, TRUST, 1);
  expect([said.verdict, said.words]).toEqual(["none of these", "none of these"]);
  expect(answerOf("", [1, 0, 0, 0, 0, 0], 2, CLASSES, TRUST, 1).verdict).toBe("sure");
});

test("without thresholds every answer is sure", () => {
  const said = answerOf("", [0.2, 0.2, 0.2, 0.2, 0.1, 0.1], 99, CLASSES, null, 9);
  expect(said.verdict).toBe("sure");
  expect(said.top).toHaveLength(6);
});
