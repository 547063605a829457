import { expect, it } from "vitest";
import { roughly } from "./format.ts";

it("says a guessed time as people do", () => {
  expect(roughly(0)).toBe("a few seconds");
  expect(roughly(42)).toBe("40 s");
  expect(roughly(58)).toBe("1 min");
  expect(roughly(200)).toBe("3 min");
  expect(roughly(59.7 * 60)).toBe("1 h");
  expect(roughly(4700)).toBe("1 h 20 min");
});
