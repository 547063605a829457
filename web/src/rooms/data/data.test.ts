import { describe, expect, test } from "vitest";
import { balance } from "./balance.ts";
import { chosen, partsOf, partTitle, sample } from "./chosen.ts";
import { copies } from "./copies.ts";
import { madeUp, type Said } from "./made-up.ts";
import { hardness, labelErrors, type Health } from "./labels.ts";

const right: Said = { answer: 0, confidence: 0.9, truth: 0.9 };
const sureOf = (answer: number): Said => ({ answer, confidence: 0.97, truth: 0.001 });
const unsure: Said = { answer: 1, confidence: 0.5, truth: 0.4 };

function answered(...said: (Said | null)[]) {
  return madeUp({
    names: ["x"],
    labels: [0],
    classes: ["a", "b", "c"],
    said: said.map((one) => [one]),
  });
}

const suspect = (index: number, quality: number, agree: string[]) => ({
  ...{ index, name: `${index}.png`, label: "a", proposed: "b", quality, agree },
});

function checked(health: Partial<Health>) {
  return madeUp({
    names: [..."0123"].map((one) => `${one}.png`),
    labels: [0, 0, 0, 0],
    classes: ["a", "b"],
    parts: { names: ["kept out", "training", "fold 1", "test"], of: [2, 2, 2, 3] },
    said: [1, 2].map(() => [right, right, right, right]),
    health: { odd: [], suspects: [], shortcuts: [], words: [], ...health },
  });
}

describe("label errors", () => {
  test("lowest quality first, with the approaches that agree", () => {
    const found = labelErrors(
      checked({ suspects: [suspect(2, 0.4, ["a1"]), suspect(1, 0.01, ["a0", "gone"])] }),
    )!;
    expect(found.map((one) => one.index)).toEqual([1, 2]);
    expect(found[0]!.agree.map((approach) => approach.title)).toEqual(["A 0"]);
  });

  test("an older run has none", () => {
    expect(labelErrors(answered(right))).toBeNull();
  });

  test("there are none without models", () => {
    const health = { odd: [], suspects: [], shortcuts: [], words: [] };
    expect(labelErrors(madeUp({ names: ["x"], labels: [0], classes: ["a"], health }))).toBeNull();
  });

  test("how hard a picture is", () => {
    expect(hardness(answered(right, null), 0)).toBeCloseTo(0.105, 2);
    expect(hardness(answered(null), 0)).toBeNull();
  });
});

describe("balance", () => {
  test("even", () => {
    expect(balance(["a", "b"], [40, 44])).toEqual({
      even: true,
      similar: true,
      words: ["The classes are of similar size: 40 to 44 pictures each."],
    });
    expect(balance(["a", "b"], [40, 40]).words[0]).toContain("size: 40 pictures each");
  });

  test("uneven", () => {
    const { even, words } = balance(["a", "b"], [300, 25]);
    expect(even).toBe(false);
    expect(words[0]).toContain("“a” has 300 pictures, 12 times as many as “b” with 25.");
    expect(words[1]).toBe("Always answering “a” would be right for 92.3\u202f% of the pictures.");
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

  test("sample of many, spread evenly", () => {
    expect(sample(run, [0, 1, 2, 3], 2)).toEqual([0, 2]);
    expect(sample(run, [3], 2)).toEqual([3]);
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
  expect(first!.pictures.map((picture) => picture.row)).toEqual([2, 3, null]);
  expect(second!.pictures.map((picture) => picture.row)).toEqual([0, 1]);
});

test("copies by their rows, if the run has them", () => {
  const run = madeUp({
    names: ["x", "x", "x"],
    labels: [0, 0, 0],
    classes: ["a"],
    duplicates: [{ names: ["x", "x"], labels: ["a", "a"], exact: true, rows: [2, 1] }],
  });
  expect(copies(run)[0]!.pictures.map((picture) => picture.row)).toEqual([2, 1]);
});
