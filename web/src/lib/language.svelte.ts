/** The language of the page: its texts, and how it writes numbers. One is loaded, all are JSON. */
import { unpacked } from "./base64.ts";
import type english from "../languages/en.json";
import { recall, remember } from "./stored.ts";

/** A text with places such as {name}, or one for each plural form of the language. */
export type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Messages = Record<string, Message>;
export type Key = keyof typeof english;

/** The languages, as their speakers call them. */
export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  uk: "Українська",
  hi: "हिन्दी",
} as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import("../languages/en.json"),
  de: () => import("../languages/de.json"),
  es: () => import("../languages/es.json"),
  fr: () => import("../languages/fr.json"),
  uk: () => import("../languages/uk.json"),
  hi: () => import("../languages/hi.json"),
};
/** The texts of all rooms but the first: the app's first load has none of them. */
const ROOMS = import.meta.glob<Messages>("../languages/*.json", {
  import: "default",
  query: "?rooms",
});
/** The server's sentences, by their codes, loaded with those. It sends the English ones itself. */
const SAID = import.meta.glob<Record<string, string>>("../languages/said/*.json", {
  import: "default",
});
const REMEMBERED = "bakeoff-language";

interface Loaded {
  language: Language;
  messages: Messages;
  sentences: Record<string, string>;
}

interface Later {
  rooms: Messages;
  sentences: Loaded["sentences"];
}

const NOTHING_YET: Later = { rooms: {}, sentences: {} };

let now = $state.raw<Loaded>({ language: "en", messages: {}, sentences: {} });
let everywhere: Promise<void> | undefined; // set once more than the first room's texts are needed
const numbers = new Map<string, Intl.NumberFormat>(); // making one takes longer than using it

export function language(): Language {
  return now.language;
}

/** The chosen language, else the first of the browser's that the page speaks. */
export function preferred(): Language {
  const wanted = [recall("browser", REMEMBERED), ...navigator.languages];
  const codes = wanted.map((tag) => (typeof tag === "string" ? tag.slice(0, 2) : ""));
  return codes.find((code): code is Language => code in LANGUAGES) ?? "en";
}

/** Load a language and show the page in it. */
export async function speak(language: Language): Promise<void> {
  const [{ default: messages }, later] = await Promise.all([
    LOADERS[language](),
    everywhere ? laterTexts(language) : NOTHING_YET,
  ]);
  const { rooms, sentences } = later;
  now = { language, messages: { ...(await whole(messages)), ...rooms }, sentences };
  if (typeof document !== "undefined") document.documentElement.lang = language;
}

/** Load the texts of all rooms and the server's sentences too, as those are needed now. */
export async function speakEverywhere(): Promise<void> {
  if (everywhere) return everywhere;
  everywhere = (async () => {
    const { language } = now;
    const { rooms, sentences } = await laterTexts(language);
    if (now.language !== language)
      await speak(now.language); // another was chosen meanwhile, without them
    else now = { language, messages: { ...now.messages, ...rooms }, sentences };
  })();
  everywhere.catch(() => (everywhere = undefined)); // the next room tries again
  return everywhere;
}

/** What the first load lacks. */
async function laterTexts(language: Language): Promise<Later> {
  const [rooms, sentences] = await Promise.all([
    ROOMS[`../languages/${language}.json`]!(),
    SAID[`../languages/said/${language}.json`]?.() ?? {},
  ]);
  return { rooms: await whole(rooms), sentences: await whole(sentences) };
}

/** A catalogue as it is, or out of a report, which holds it packed. */
async function whole<Texts extends object>(texts: Texts): Promise<Texts> {
  return "packed" in texts ? unpacked<Texts>(texts.packed as string) : texts;
}

/** Show the page in the reader's choice, now and at the next visit. */
export async function choose(language: Language): Promise<void> {
  await speak(language);
  remember("browser", REMEMBERED, language);
}

/** The variant for numbers and dates: Spanish as in Mexico, if that is the browser's. */
export function locale(): string {
  const known = typeof navigator === "undefined" ? [] : navigator.languages;
  return known.find((tag) => tag.split("-")[0] === now.language) ?? now.language;
}

/** The text of a key. A number is written as the language does, and `n` chooses the plural form. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return filled(now.messages[key] ?? key, values);
}

/** The text for a name that a server or a plugin chose, if there is one. */
export function named(prefix: string, name: string, otherwise: string): string {
  const message = now.messages[`${prefix}.${name}`];
  return message === undefined ? otherwise : filled(message, {});
}

/** The text of a sentence of the server, unless it is its own. */
export function sentence(code: string): string | undefined {
  return now.sentences[code];
}

function filled(message: Message, values: Readonly<Record<string, string | number>>): string {
  const text = typeof message === "string" ? message : formOf(message, values.n);
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    return typeof value === "number" ? decimal(value, 0) : (value ?? place);
  });
}

function formOf(forms: Exclude<Message, string>, n: string | number | undefined): string {
  const rule = new Intl.PluralRules(now.language).select(Number(n));
  return forms[rule] ?? forms.other ?? forms.many ?? "";
}

const GAP = "\u202f"; // a narrow space that breaks no line, in place of each browser's own

/** A number with so many decimals. English as the server writes it: 1 234.5 */
export function decimal(value: number, digits: number): string {
  const key = `${now.language} ${digits}`;
  let format = numbers.get(key);
  if (!format) {
    const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numbers.set(key, (format = new Intl.NumberFormat(locale(), exactly)));
  }
  const text = format.format(Number(value.toFixed(digits)) + 0); // no negative zero
  return text.replace(now.language === "en" ? /,/g : /\s/g, GAP);
}

/** What follows a percentage, with its space. */
export function percentSign(): string {
  if (now.language === "en") return `${GAP}%`;
  const parts = new Intl.NumberFormat(locale(), { style: "percent" }).formatToParts(0.5);
  const sign = parts.filter(({ type }) => type !== "integer").map(({ value }) => value);
  return sign.join("").replace(/\s+/, GAP);
}

/** "a, b and c" */
export function listed(words: readonly string[]): string {
  const tag = now.language === "en" ? "en-GB" : now.language; // as the server: no comma before "and"
  return new Intl.ListFormat(tag, { type: "conjunction" }).format(words);
}
