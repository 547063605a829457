import { expect, test } from "vitest";
import { table } from "./table.ts";

test("rows as a CSV", () => {
  expect(
    table([
      ["a", "b"],
      ["x, y", 0.5],
      ['say "so"', -1],
    ]),
  ).toBe('a,b\r\n"x, y",0.5\r\n"say ""so""",-1\r\n');
});

test("no cell is run", () => {
  expect(table([["=1+1", "+1", "-1", "@a", "\tb", "safe = 1"]])).toBe(
    "'=1+1,'+1,'-1,'@a,'\tb,safe = 1\r\n",
  );
  expect(table([['=HYPERLINK("x")']])).toBe('"\'=HYPERLINK(""x"")"\r\n');
});
