import { describe, expect, test } from "vitest";
import { balance } from "./balance.ts";
import { chosen, partsOf, partTitle, some } from "./chosen.ts";
import { copies } from "./copies.ts";
import { madeUp, type Said } from "./made-up.ts";
import { hardness, suspects } from "./suspects.ts";

const right: Said = { answer: 0, confidence: 0.9, truth: 0.9 };
const sureOf = (answer: number): Said => ({ answer, confidence: 0.97, truth: 0.001 });
const unsure: Said = { answer: 1, confidence: 0.5, truth: 0.4 };

function asked(...said: (Said | null)[]) {
  return madeUp({
    names: ["x"],
    labels: [0],
    classes: ["a", "b", "c"],
    said: said.map((one) => [one]),
  });
}

describe("labels to look at again", () => {
  test("two that are sure of the same other class", () => {
    const [one, ...more] = suspects(asked(sureOf(1), right, sureOf(1)));
    expect(more).toEqual([]);
    expect(one!.other).toBe(1);
    expect(one!.agreeing.map((approach) => approach.name)).toEqual(["a0", "a2"]);
    expect([one!.sure, one!.asked]).toEqual([2, 3]);
    expect(one!.loss).toBeCloseTo((2 * 6.908 + 0.105) / 3, 2);
  });

  test.each([
    ["one alone", [sureOf(1), right]],
    ["two that name different classes", [sureOf(1), sureOf(2)]],
    ["two against two", [sureOf(1), sureOf(1), sureOf(2), sureOf(2)]],
    ["who are not sure", [unsure, unsure]],
    ["who were not asked", [sureOf(1), null]],
    ["who think the label possible", [{ ...sureOf(1), truth: 0.1 }, sureOf(1)]],
  ])("not: %s", (_, said) => {
    expect(suspects(asked(...said))).toEqual([]);
  });

  test("one that is less sure agrees all the same", () => {
    const [one] = suspects(asked(sureOf(1), unsure, sureOf(1)));
    expect([one!.sure, one!.agreeing.length]).toEqual([2, 3]);
  });

  test("the most doubtful comes first", () => {
    const run = madeUp({
      names: ["x", "y"],
      labels: [0, 0],
      classes: ["a", "b"],
      said: [1, 2].map(() => [{ ...sureOf(1), truth: 0.01 }, sureOf(1)]),
    });
    expect(suspects(run).map((one) => one.row)).toEqual([1, 0]);
  });

  test("how hard a picture is", () => {
    expect(hardness(asked(right, null), 0)).toBeCloseTo(0.105, 2);
    expect(hardness(asked(null), 0)).toBeNull();
  });
});

describe("balance", () => {
  test("even", () => {
    expect(balance(["a", "b"], [40, 44])).toEqual({
      even: true,
      words: ["The classes are of about the same size: 40 to 44 pictures each."],
    });
    expect(balance(["a", "b"], [40, 40]).words[0]).toContain("size: 40 pictures each");
  });

  test("uneven", () => {
    const { even, words } = balance(["a", "b"], [300, 25]);
    expect(even).toBe(false);
    expect(words[0]).toContain("“a” has 300 pictures, 12 times as many as “b” with 25.");
    expect(words[1]).toBe("Whoever always answers “a” is right on 92.3\u202f% of the pictures.");
    expect(words).toHaveLength(2);
  });

  test("few, and none", () => {
    expect(balance(["a", "b"], [9, 10]).words[1]).toMatch(/^“a” has fewer than 10/);
    expect(balance(["a", "b"], [9, 9]).words[1]).toMatch(/^“a” and “b” have/);
    expect(balance([..."abcdef"], [1, 1, 1, 1, 1, 1]).words[1]).toMatch(
      /^“a”, “b”, “c” and 3 more have/,
    );
    expect(balance(["a", "b"], [50, 0]).words[0]).toContain("“a” has 50 pictures and “b” has none");
  });
});

describe("the gallery", () => {
  const run = madeUp({
    names: ["A/one.png", "A/two.png", "B/one.png", "B/two.png"],
    labels: [0, 0, 1, 1],
    classes: ["A", "B"],
    groups: { names: ["ann", "bob"], of: [0, 1, 0, 1] },
    parts: { names: ["kept out", "training", "fold 1", "test"], of: [2, 2, 3, 1] },
    said: [[right, sureOf(1), unsure, null]],
  });

  test.each([
    [{}, [0, 1, 2, 3]],
    [{ class: "B" }, [2, 3]],
    [{ class: "Z" }, []],
    [{ group: "ann" }, [0, 2]],
    [{ part: "test" }, [2]],
    [{ find: "ONE" }, [0, 2]],
    [{ class: "A", group: "bob", find: "t" }, [1]],
    [{ sort: "hardest" }, [1, 2, 0, 3]],
  ])("%o", (query, rows) => {
    expect(chosen(run, query)).toEqual(rows);
  });

  test("parts that hold pictures", () => {
    expect(partsOf(run)).toEqual([
      { name: "fold 1", pictures: 2 },
      { name: "test", pictures: 1 },
      { name: "training", pictures: 1 },
    ]);
    expect(["fold 1", "test", "training", "kept out"].map(partTitle)).toEqual([
      "fold 1",
      "locked test",
      "training only",
      "kept out",
    ]);
  });

  test("some of many, spread evenly", () => {
    expect(some(run, [0, 1, 2, 3], 2)).toEqual([0, 2]);
    expect(some(run, [3], 2)).toEqual([3]);
  });
});

test("copies: different labels first, and rows of the same name taken once each", () => {
  const run = madeUp({
    names: ["x", "x", "y", "z"],
    labels: [0, 0, 0, 1],
    classes: ["a", "b"],
    duplicates: [
      { names: ["x", "x"], labels: ["a", "a"], exact: true },
      { names: ["y", "z", "lost"], labels: ["a", "b", "b"], exact: false },
    ],
  });
  const [first, second] = copies(run);
  expect(first!.differ).toBe(true);
  expect(first!.pictures.map((one) => one.row)).toEqual([2, 3, null]);
  expect(second!.pictures.map((one) => one.row)).toEqual([0, 1]);
});
