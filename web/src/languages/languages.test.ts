import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { foreignTexts, withTextsOf } from "../../own-rooms.ts";
import {
  count,
  large,
  likely,
  milliseconds,
  percent,
  percents,
  points,
  seconds,
} from "../lib/format.ts";
import {
  LANGUAGES,
  listed,
  speak,
  t,
  type Language,
  type Messages,
} from "../lib/language.svelte.ts";

const HERE = new URL(".", import.meta.url).pathname;
const CODES = Object.keys(LANGUAGES) as Language[];

const catalogue = (code: string): Messages =>
  JSON.parse(readFileSync(join(HERE, `${code}.json`), "utf8")) as Messages;

const ENGLISH = catalogue("en");

/** The plural forms that a language has for whole numbers. */
function forms(code: string): string[] {
  const rules = new Intl.PluralRules(code);
  return [...new Set(Array.from({ length: 200 }, (_, n) => rules.select(n)))].sort();
}

function places(text: string): string {
  return [...new Set(text.match(/\{\w+\}/g))].sort().join(" ");
}

/** What is wrong with a catalogue beside the English one. */
function faults(code: string, messages: Messages): string[] {
  const found: string[] = [];
  for (const key of Object.keys(ENGLISH)) if (!(key in messages)) found.push(`${key} is missing`);
  for (const [key, message] of Object.entries(messages)) {
    const english = ENGLISH[key];
    if (english === undefined) {
      found.push(`${key} is not in English`);
      continue;
    }
    if ((typeof english === "string") !== (typeof message === "string")) {
      found.push(`${key} has plural forms in one language only`);
      continue;
    }
    const texts = typeof message === "string" ? { text: message } : message;
    if (typeof message !== "string" && Object.keys(message).sort().join() !== forms(code).join())
      found.push(`${key} has other plural forms than ${forms(code).join(", ")}`);
    const wanted = places(typeof english === "string" ? english : english.other!);
    for (const [form, text] of Object.entries(texts)) {
      if (!text.trim()) found.push(`${key} is empty`);
      if (places(text) !== wanted) found.push(`${key} (${form}) has other places than English`);
      // A mark that is not closed would be shown as it is.
      for (const mark of ["`", "**"])
        if (text.split(mark).length % 2 === 0) found.push(`${key} does not close ${mark}`);
    }
  }
  return found;
}

/** What each language calls a sure answer, and a probable one. */
const SAID_OF: Record<string, { sure: RegExp; probable: RegExp }> = {
  en: { sure: /\bsure\b/i, probable: /confidence|probab/i },
  de: { sure: /(?<!\p{L})sicher/iu, probable: /wahrscheinlich/i },
  es: { sure: /(?<!\p{L})segur[oa]/iu, probable: /probab/i },
  fr: { sure: /(?<!\p{L})sûr/iu, probable: /probab/i },
  hi: { sure: /पक्क/u, probable: /संभा/u },
  uk: { sure: /певнен/iu, probable: /мовірн/iu },
};

describe("every catalogue", () => {
  it.each(CODES)("%s has the keys, places and plural forms that it needs", (code) =>
    expect(faults(code, catalogue(code))).toEqual([]),
  );

  it("has one file for each language that can be chosen", () => {
    const files = readdirSync(HERE).filter((name) => name.endsWith(".json"));
    expect(files.sort()).toEqual(CODES.map((code) => `${code}.json`).sort());
  });

  it.each(CODES)("%s calls no probability sure", (code) => {
    const texts = catalogue(code);
    const { sure, probable } = SAID_OF[code]!;
    for (const key of ["answer.sure", "answer.notSure", "trust.title"])
      expect(texts[key], "the word for sure").toMatch(sure);
    const numbers = Object.entries(texts).filter(([, message]) =>
      /\{(share|probability)\}/.test(JSON.stringify(message)),
    );
    expect(numbers.length).toBeGreaterThan(10);
    expect(numbers.filter(([, message]) => sure.test(JSON.stringify(message)))).toEqual([]);
    for (const key of ["picture.confidence", "common.confidence", "try.bars", "try.best"]) {
      expect(texts[key]).toMatch(probable);
      expect(texts[key]).not.toMatch(sure);
    }
  });

  it("keeps no text that is not used", () => {
    const sources = readdirSync(join(HERE, ".."), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|svelte)$/.test(name))
      .map((name) => readFileSync(join(HERE, "..", name), "utf8"))
      .join("\n");
    const used = new Set([...sources.matchAll(/["`](\w+\.[\w$]+)/g)].map(([, key]) => key!));
    const unused = Object.keys(ENGLISH).filter((key) => {
      const [group] = key.split(".");
      return !used.has(key) && !used.has(`${group}.$`) && !sources.includes(`named("${group}"`);
    });
    expect(unused).toEqual([]);
  });
});

it("the check finds what a translator can get wrong", () => {
  const good = catalogue("uk");
  const broken = (change: Messages): string[] => faults("uk", { ...good, ...change });
  const { "room.try": _, ...missing } = good;
  expect(faults("uk", missing)).toEqual(["room.try is missing"]);
  expect(broken({ "room.cellar": "Підвал" })).toEqual(["room.cellar is not in English"]);
  expect(broken({ "shell.goTo": "До розділу" })).toEqual([
    "shell.goTo (text) has other places than English",
  ]);
  expect(broken({ "shell.goTo": "{room} {rom}" })).toEqual([
    "shell.goTo (text) has other places than English",
  ]);
  expect(broken({ "room.try": " " })).toEqual(["room.try is empty"]);
  expect(broken({ "count.files": { one: "{n} файл", other: "{n} файлів" } })).toEqual([
    "count.files has other plural forms than few, many, one",
  ]);
  expect(broken({ "count.files": "{n} файлів" })).toEqual([
    "count.files has plural forms in one language only",
  ]);
  expect(broken({ "token.where": "`bakeoff serve" })).toEqual(["token.where does not close `"]);
});

describe("a build without some rooms", () => {
  const rooms = readFileSync(join(HERE, "..", "rooms.ts"), "utf8");
  const groups = (pages: string[]): Set<string> => {
    const json = withTextsOf(pages, rooms, JSON.stringify(ENGLISH));
    return new Set(Object.keys(JSON.parse(json) as Messages).map((key) => key.split(".")[0]!));
  };

  it("leaves out their texts", () => {
    const all = new Set(Object.keys(ENGLISH).map((key) => key.split(".")[0]!));
    expect([...groups(["app"])]).toEqual([...all].filter((group) => group !== "teach"));
    const report = groups(["run", "check", "study"]);
    expect(["shell", "compare", "data"].map((group) => report.has(group))).toEqual([
      ...[true, true, true],
    ]);
    expect(["try", "train", "set"].some((group) => report.has(group))).toBe(false);
    expect(["compare", "data", "train"].some((group) => groups(["browser"]).has(group))).toBe(
      false,
    );
    expect(["try", "teach", "set"].every((group) => groups(["browser"]).has(group))).toBe(true);
  });

  it.each(["try", "teach", "compare", "data", "train", "tune", undefined])(
    "%s uses no texts of other rooms",
    (room) => {
      const folders = room ? [`rooms/${room}`] : ["ui", "lib", "charts", "drawing"];
      const foreign = foreignTexts(room);
      const used = folders.flatMap((folder) =>
        readdirSync(join(HERE, "..", folder), { encoding: "utf8" })
          .filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes(".test."))
          .flatMap((name) => {
            const text = readFileSync(join(HERE, "..", folder, name), "utf8");
            const keys = text.matchAll(/["`](\w+)\.[\w$]/g);
            return [...keys]
              .filter(([, group]) => foreign.includes(group!))
              .map(([key]) => `${name}: ${key}`);
          }),
      );
      expect(used).toEqual([]);
    },
  );
});

describe("a language", () => {
  afterEach(() => speak("en"));

  it.each<[Language, string, string[]]>([
    ["en", "1 picture", ["0 pictures", "2 pictures", "1\u202f234 pictures"]],
    ["de", "1 Bild", ["0 Bilder", "2 Bilder", "1.234 Bilder"]],
    ["es", "1 imagen", ["0 imágenes", "2 imágenes", "1234 imágenes"]],
    ["fr", "1 image", ["0 image", "2 images", "1\u202f234 images"]],
    ["uk", "1 зображення", ["0 зображень", "2 зображення", "1\u202f234 зображення"]],
    ["hi", "1 चित्र", ["0 चित्र", "2 चित्र", "1,234 चित्र"]],
  ])("%s has its own plural forms", async (code, one, others) => {
    await speak(code);
    expect(t("count.pictures", { n: 1 })).toBe(one);
    expect([0, 2, 1234].map((n) => t("count.pictures", { n }))).toEqual(others);
  });

  it("Ukrainian has few and many", async () => {
    await speak("uk");
    const files = [1, 3, 5, 11, 21, 22, 112].map((n) => t("count.files", { n }));
    expect(files).toEqual([
      ...["1 файл", "3 файли", "5 файлів", "11 файлів"],
      ...["21 файл", "22 файли", "112 файлів"],
    ]);
  });

  it.each<[Language, string[]]>([
    ["en", ["97.5\u202f%", "88.7–92.9\u202f%", "<0.1\u202f%", "+1.2", "1.23 million"]],
    ["de", ["97,5\u202f%", "88,7–92,9\u202f%", "<0,1\u202f%", "+1,2", "1,23 Mio."]],
    ["es", ["97,5\u202f%", "88,7–92,9\u202f%", "<0,1\u202f%", "+1,2", "1,23 millones"]],
    ["fr", ["97,5\u202f%", "88,7–92,9\u202f%", "<0,1\u202f%", "+1,2", "1,23 millions"]],
    ["uk", ["97,5%", "88,7–92,9%", "<0,1%", "+1,2", "1,23 млн"]],
    ["hi", ["97.5%", "88.7–92.9%", "<0.1%", "+1.2", "1.23 मिलियन"]],
  ])("%s writes numbers as its readers do", async (code, expected) => {
    await speak(code);
    const words = [percent(0.975), percents([0.887, 0.929]), likely(0.0001), points(0.012)];
    expect([...words, large(1_234_000)]).toEqual(expected);
  });

  it("writes large numbers, times and lists", async () => {
    await speak("hi");
    expect(count(1_234_567)).toBe("12,34,567");
    await speak("de");
    expect([count(1_234_567), milliseconds(1.234), seconds(3.14)]).toEqual([
      ...["1.234.567", "1,23 ms", "3,1 s"],
    ]);
    expect(listed(["a", "b", "c"])).toBe("a, b und c");
    await speak("en");
    expect(listed(["a", "b", "c"])).toBe("a, b and c");
    expect(count(-0.3)).toBe("0");
  });

  it("never rounds a share up to the whole", async () => {
    await speak("de");
    expect(percent(0.99999)).toBe("99,9\u202f%");
    expect(percent(1)).toBe("100,0\u202f%");
  });
});
