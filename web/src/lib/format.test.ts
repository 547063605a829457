import { expect, it } from "vitest";
import { figures, glued, large, roughly, shortPath } from "./format.ts";

it("says a guessed time as people do", () => {
  expect(roughly(0)).toBe("a few seconds");
  expect(roughly(42)).toBe("40 s");
  expect(roughly(58)).toBe("1 min");
  expect(roughly(200)).toBe("3 min");
  expect(roughly(59.7 * 60)).toBe("1 h");
  expect(roughly(4700)).toBe("1 h 20 min");
});

it("says a range of figures", () => {
  expect(figures([0.1, 0.25])).toBe("0.100–0.250");
  expect(figures([0, Infinity], 1)).toBe("0.0–∞");
});

it("does not count what is beyond counting", () => {
  expect(large(12_345)).toBe("12\u202f345");
  expect(large(12_345_678)).toBe("12.3 million");
  expect(large(4_560_000_000)).toBe("4.56 billion");
});

it("keeps a number and its percent sign together", () => {
  expect(["/home/ann/sets/pets", "C:\\ann\\sets\\pets", "pets.zip", "a/b"].map(shortPath)).toEqual([
    ...["…/sets/pets", "…/sets/pets", "pets.zip", "a/b"],
  ]);
  expect(glued("It gets 93.0 % right.")).toBe("It gets 93.0\u202f% right.");
  expect(glued("95-%-Intervall")).toBe("95\u2011%\u2011Intervall");
  expect(glued("then turn (87%)")).toBe("then turn (87\u202f%)");
  expect(glued("by chance (p = 0.5)")).toBe("by chance (p\u00a0=\u00a00.5)");
});
