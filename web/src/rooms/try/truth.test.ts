import { expect, test } from "vitest";
import type { Shown } from "./sift.ts";
import { isWrong, score, truthOf } from "./truth.ts";

test("a column comes first, then the nearest folder that is a class", () => {
  const classes = ["cat", "dog", "café", "7"];
  expect(truthOf("cat/1.png", null, classes)).toBe("cat");
  expect(truthOf("pile.zip/test/dog/of ann/1.png", null, classes)).toBe("dog");
  expect(truthOf("cat/dog/1.png", null, classes)).toBe("dog");
  expect(truthOf("Cat/1.png", null, classes)).toBe("cat");
  expect(truthOf("cafe\u0301/1.png", null, classes)).toBe("café"); // as macOS writes it
  expect(truthOf("digits.csv row 2", "7", classes)).toBe("7");
  expect(truthOf("cat/digits.csv row 2", "9", classes)).toBe(null); // not a class of these models
  expect(truthOf("cat.png", null, classes)).toBe(null);
  expect(truthOf("A/1.png", null, ["A", "a"])).toBe("A");
});

test("answers are counted where the class is known", () => {
  const picture = (truth: string | null, label: string): Shown => ({
    name: "",
    file: null,
    truth,
    said: { cnn: { milliseconds: 1, answer: { label } as never } },
  });
  const pictures = [picture("a", "a"), picture("a", "b"), picture(null, "b")];
  expect(score(pictures, "cnn")).toEqual({ right: 1, of: 2 });
  expect(score(pictures, "vit")).toEqual({ right: 0, of: 0 });
  expect(pictures.map((one) => isWrong(one, "cnn"))).toEqual([false, true, false]);
});
