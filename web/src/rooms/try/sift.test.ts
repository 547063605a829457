import { expect, test } from "vitest";
import { answerOf } from "../../lib/answer.ts";
import { answerRows, sift, type Shown } from "./sift.ts";

const TRUST = { least_probability: 0.2, max_ood_score: 2 };

function shown(name: string, ...of: [share: number, oodScore: number][]): Shown {
  const said = of.map(([share, strange], place) => [
    `model ${place}`,
    {
      answer: answerOf(name, [share, 1 - share], strange, ["a", "b"], TRUST, 2),
      milliseconds: 1,
    },
  ]);
  return { name, file: null, truth: null, said: Object.fromEntries(said) };
}

const PICTURES = [
  shown("agree", [0.95, 1], [0.9, 1]),
  shown("differ", [0.95, 1], [0.1, 1]),
  shown("unsure", [0.6, 1], [0.9, 1]),
  shown("strange", [0.01, 9], [0.02, 1]),
];

test("filters pictures by their answers", () => {
  expect(sift(PICTURES, "all", undefined, "given")).toEqual([0, 1, 2, 3]);
  expect(sift(PICTURES, "disagree", undefined, "given")).toEqual([1]);
  expect(sift(PICTURES, "unsure", undefined, "given")).toEqual([2]);
  expect(sift(PICTURES, "none", undefined, "given")).toEqual([3]);
  expect(sift(PICTURES, "all", "b", "given")).toEqual([1, 3]);
  expect(sift(PICTURES, "disagree", "c", "given")).toEqual([]);
});

test("sorts by confidence or by class", () => {
  expect(sift(PICTURES, "all", undefined, "unsure")).toEqual([2, 0, 1, 3]);
  expect(sift(PICTURES, "all", undefined, "answer")).toEqual([0, 1, 2, 3]);
});

test("puts what most models have wrong first", () => {
  const known = PICTURES.map((picture, place) => ({ ...picture, truth: "abab"[place]! }));
  // Of the answers a a, a b, a a and b b, these are wrong: none, one, none, none.
  expect(sift(known, "all", undefined, "wrong")).toEqual([1, 0, 2, 3]);
  const other = PICTURES.map((picture) => ({ ...picture, truth: "b" }));
  expect(sift(other, "all", undefined, "wrong")).toEqual([0, 2, 1, 3]);
});

test("a row for each picture and model", () => {
  const rows = answerRows(PICTURES.slice(2, 3), 3);
  expect(rows[0]).toEqual([
    ...["picture", "path", "model", "verdict", "class 1", "probability 1"],
    ...["class 2", "probability 2", "class 3", "probability 3"],
  ]);
  expect(rows[1]).toEqual([
    ...["unsure", "unsure", "model 0", "between a and b"],
    ...["a", "0.600000", "b", "0.400000", "", ""],
  ]);
  expect(rows).toHaveLength(3);
});

test("a row says out of distribution, as the table of the server does", () => {
  const [picture] = PICTURES.slice(2, 3).map((shown) => structuredClone(shown));
  for (const said of Object.values(picture!.said))
    Object.assign(said.answer, { verdict: "out of distribution", words: "none of these" });
  expect(answerRows([picture!], 1)[1]![3]).toBe("out of distribution");
});
