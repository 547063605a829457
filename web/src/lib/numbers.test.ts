import { expect, test } from "vitest";
import { looksLikeNumbers, picturesIn } from "./numbers.ts";

test("as many rows as columns are one picture", () => {
  const [one, ...more] = picturesIn("0,255\r\n128,7\r\n", "two.csv");
  expect(more).toEqual([]);
  expect(one!.name).toBe("two.csv");
  expect([one!.pixels.width, one!.pixels.height, ...one!.pixels.data]).toEqual([
    2, 2, 0, 255, 128, 7,
  ]);
  expect(one!.note).toMatch(/^two.csv was read as one picture of 2×2 pixels, since/);
  expect(picturesIn("a,b,c,d\n1,2,3,4\n", "rows.csv")[0]!.note).toBeUndefined();
});

test("a square table with a header or with labels is a picture a row", () => {
  const header = Array.from({ length: 16 }, (_, n) => `pixel${n}`).join(",");
  const rows = Array.from({ length: 15 }, () => Array(16).fill(7).join(","));
  expect(picturesIn([header, ...rows].join("\n"), "h.csv")).toHaveLength(15);
  // 65 rows of a digit and 64 pixels, as scikit-learn's digits are saved.
  const digits = Array.from({ length: 65 }, (_, row) =>
    [row % 10, ...Array(64).fill(16)].join(","),
  );
  const found = picturesIn(digits.join("\n"), "d.csv");
  expect(found).toHaveLength(65);
  expect(found.slice(0, 3).map((one) => one.label)).toEqual(["0", "1", "2"]);
  const plain = Array.from({ length: 65 }, () => Array(65).fill(16).join(","));
  expect(picturesIn(plain.join("\n"), "p.csv")).toHaveLength(1);
});

test("blanks, tabs and semicolons part numbers too, and shares are brought to bytes", () => {
  expect([...picturesIn("0 1\n0.5 0", "a")[0]!.pixels.data]).toEqual([0, 255, 128, 0]);
  expect([...picturesIn("0\t1\n1\t0", "a")[0]!.pixels.data]).toEqual([0, 255, 255, 0]);
  expect([...picturesIn("0;9\n9;0", "a")[0]!.pixels.data]).toEqual([0, 9, 9, 0]);
});

test("else every row is a picture, its label dropped", () => {
  const kaggle = picturesIn("label,p0,p1,p2,p3\n7,0,10,20,30\n1,255,0,0,0\n", "k.csv");
  expect(kaggle.map((one) => one.name)).toEqual(["k.csv row 2", "k.csv row 3"]);
  expect([...kaggle[0]!.pixels.data]).toEqual([0, 10, 20, 30]);
  expect(kaggle.map((one) => one.label)).toEqual(["7", "1"]);
  const bare = picturesIn("0,10,20,30\n1,2,3,4\n5,6,7,8\n", "b.csv");
  expect(bare).toHaveLength(3);
  const labelled = picturesIn("9,0,10,20,30\n9,1,2,3,4\n", "b.csv");
  expect([...labelled[1]!.pixels.data]).toEqual([1, 2, 3, 4]);
});

test("a faint row keeps the scale of its table", () => {
  const rows = picturesIn("p0,p1,p2,p3\n0,1,1,0\n0,200,0,0\n", "k.csv");
  expect([...rows[0]!.pixels.data]).toEqual([0, 1, 1, 0]);
});

test("refusals name the problem and a hint", () => {
  expect(() => picturesIn("", "e.csv")).toThrow("e.csv: it holds no numbers. Write one row");
  expect(() => picturesIn("0,1\n2,x\n", "x.csv")).toThrow(
    "some values are not numbers from 0 to 255",
  );
  expect(() => picturesIn("0,1\n2,300\n", "x.csv")).toThrow("some values are not numbers");
  expect(() => picturesIn("1,2,3\n4,5,6\n", "x.csv")).toThrow("a row has 3 fields");
  expect(() => picturesIn("1,2,3,4\n5,6\n", "x.csv")).toThrow(
    "in row 2 there are 2 numbers, not 4",
  );
});

test("what looks like numbers", () => {
  expect(looksLikeNumbers("label,a,b,c\n1,2,3,4")).toBe(true);
  expect(looksLikeNumbers("1 2 3 4")).toBe(true);
  expect(looksLikeNumbers("hello world")).toBe(false);
  expect(looksLikeNumbers("")).toBe(false);
});
