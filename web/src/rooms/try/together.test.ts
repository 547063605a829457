import { expect, test } from "vitest";
import type { PictureAnswer } from "../../lib/models.ts";
import { together } from "./together.ts";

function answers(...said: (string | null)[]): PictureAnswer[] {
  return said.map((label) => {
    const verdict =
      label === null ? "out of distribution" : label === "" ? "nothing drawn" : "sure";
    return { label: label || "tree", verdict } as PictureAnswer;
  });
}

test("one line sums up what several models say", () => {
  const line = (...said: (string | null)[]) => together(answers(...said));
  expect(line("house", "house", null, "house")).toBe(
    "3 of 4 models say house; 1 has never seen anything like it.",
  );
  expect(line("house", "house")).toBe("All 2 models say house.");
  expect(line("cat", "house", "house")).toBe("2 of 3 models say house; 1 says cat.");
  expect(line("cat", null, null)).toBe(
    "1 of 3 models says cat; 2 have never seen anything like it.",
  );
  expect(line(null, null, null)).toBe("None of the 3 models has seen anything like it.");
  expect(line("", "")).toBe("Nothing is drawn.");
  expect(line("cat", "")).toBe("1 of 2 models says cat; 1 sees nothing drawn.");
});

test("a single model needs no summary", () => {
  expect(together(answers("cat"))).toBe("");
  expect(together([])).toBe("");
});
