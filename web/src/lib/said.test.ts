import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { LANGUAGES, speak } from "./language.svelte.ts";
import { corruptionWords, FORMAT_NAMES, said, saidAll } from "./said.ts";

const HERE = new URL(".", import.meta.url).pathname;
const FOLDER = join(HERE, "../languages/said");
const OTHERS = Object.keys(LANGUAGES).filter((code) => code !== "en");
type English = Record<string, string | { one: string; other: string }>;

const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
const ENGLISH = read<English>(join(HERE, "../../../src/bakeoff/sentences.json"));

/** The places of a text, and the formats in it. */
function placesOf(text: string): { names: Set<string>; formats: string[] } {
  const found = [...text.matchAll(/\{(\w+)(?::(\w+))?\}/g)];
  return {
    names: new Set(found.map(([, name]) => name!)),
    formats: found.map(([, , format]) => format ?? ""),
  };
}

describe.each(OTHERS)("the server's sentences in %s", (code) => {
  const texts = read<Record<string, string>>(join(FOLDER, `${code}.json`));

  it("has all of them and no others", () =>
    expect(Object.keys(texts).sort()).toEqual(Object.keys(ENGLISH).sort()));

  it("names the same values, in known formats", () => {
    const faults = Object.entries(ENGLISH).filter(([key, english]) => {
      const { names, formats } = placesOf(texts[key]!);
      const wanted = placesOf(typeof english === "string" ? english : english.other).names;
      const same = names.size === wanted.size && [...names].every((name) => wanted.has(name));
      return !same || formats.some((format) => !FORMAT_NAMES.includes(format));
    });
    expect(faults.map(([key]) => key)).toEqual([]);
  });
});

it("each language of the page has a file", () =>
  expect(readdirSync(FOLDER).sort()).toEqual(OTHERS.map((code) => `${code}.json`).sort()));

describe("a sentence of the server", () => {
  afterEach(() => speak("en"));

  const has = {
    code: "which.has",
    values: { title: "CNN", accuracy: 0.9754, pictures: 1234 },
  };
  const behind = { code: "which.behind", values: { has, title: "ViT", pictures: 1 } };

  it("is English as it came", async () => {
    await speak("en");
    expect(said(behind, "CNN gets 97.5 % right.")).toBe("CNN gets 97.5\u202f% right.");
  });

  it("is written in the reader's language, with what it contains", async () => {
    await speak("de");
    expect(said(behind, "English")).toBe(
      "CNN hat 97,5\u202f% von 1.234 Bildern richtig, die seine Modelle nicht kannten; " +
        "ViT liegt 1 Bild zurück.",
    );
    expect(saidAll([has, behind], "English")).toContain("zurück");
  });

  it("lists parts, and writes ranges, times and sizes", async () => {
    await speak("fr");
    const right = (name: string, accuracy: number) => ({
      code: "where.right",
      values: { name, accuracy },
    });
    const fails = { code: "where.fails", values: { classes: [right("a", 0.5), right("b", 0.25)] } };
    expect(said(fails, "")).toBe(
      "Il échoue le plus souvent sur a (50,0\u202f% justes) et b (25,0\u202f% justes).",
    );
    expect(said({ code: "sure.expect", values: { interval: [0.9, 0.95] } }, "")).toContain(
      "90,0–95,0\u202f%",
    );
    const faded = (factor: number) => said({ code: "odd.contrast", values: { factor } }, "");
    expect(faded(0.2187)).toBe("son contraste est 0,22 fois celui des autres");
    expect(faded(12.4)).toContain(" 12 fois ");
    const cost = { code: "cost.takes", values: { seconds: 3.14, bytes: 412_000, ms: 1.234 } };
    expect(said(cost, "")).toMatch(/3,1 s .* 412 kB .* 1,23 ms/);
  });

  it("names corruptions and how strong they are, of older runs too", async () => {
    await speak("de");
    const less = { code: "strength.less", values: { share: 0.35 } };
    expect(said(less, "35 % less")).toBe("35\u202f% dünner");
    expect(said({ code: "strength.share", values: { share: 0.008 } }, "")).toBe("0,8\u202f%");
    expect(corruptionWords("uneven light", "lit unevenly")).toBe("ungleich beleuchtet");
    const other = { code: "robust.other", values: { corruption: "turn", accuracy: 0.5 } };
    expect(said(other, "")).toBe("„gedreht“ (50,0\u202f%)");
    const newer = { ...other, values: { corruption: { code: "corruption.turn" }, accuracy: 0.5 } };
    expect(said(newer, "")).toBe(said(other, ""));
  });

  it("stays English where the page does not know it or a value is missing", async () => {
    await speak("de");
    expect(said({ code: "new.code", values: {} }, "A new sentence.")).toBe("A new sentence.");
    expect(said({ code: "which.has", values: { title: "CNN" } }, "English.")).toBe("English.");
    const nested = { code: "which.alone", values: { has: { code: "new.code", values: {} } } };
    expect(said(nested, "English.")).toBe("English.");
    expect(said(null, "English.")).toBe("English.");
    expect(saidAll([], "English.")).toBe("English.");
  });
});
