/** Numbers as text, in the reader's language. Every figure on the page is formatted here. */
import { decimal, locale, percentSign, t } from "./language.svelte.ts";

export const GAP = "\u202f"; // keeps "97.5 %" on one line, narrower than a word space
const MINUS = "\u2212";

/** 1234 → "1 234". */
export function count(number: number): string {
  return decimal(number, 0);
}

/** 0.975 → "97.5 %"; a share below 1 is never rounded up to "100.0 %". */
export function percent(share: number, digits = 1): string {
  return percentNumber(share, digits) + percentSign();
}

function percentNumber(share: number, digits: number): string {
  const value = Number((100 * share).toFixed(digits));
  return decimal(share < 1 && value >= 100 ? 100 - 10 ** -digits : value, digits);
}

/** With as many decimals as it has: 0.008 → "0.8 %". */
export function briefly(share: number): string {
  return percent(share, decimalsOf(100 * share));
}

/** How many decimals a number has, but for rounding errors: 97.5 → 1. */
export function decimalsOf(value: number): number {
  const [, decimals = ""] = String(Number(value.toPrecision(6))).split(".");
  return decimals.length;
}

/** The probability of a class: 0.975 → "97.5 %". No class is ruled out, so 0.0001 → "<0.1 %". */
export function likely(probability: number): string {
  return probability < 0.0005 ? `<${percent(0.001)}` : percent(probability);
}

/** A sentence with each percent sign as its language has it, and on the line of its number. */
export function glued(sentence: string): string {
  return sentence
    .replace(/(\d)\s?%/g, `$1${percentSign()}`)
    .replace(/(\d)-%-/g, "$1\u2011%\u2011") // German: 95-%-Intervall
    .replaceAll(" = ", "\u00a0=\u00a0");
}

/** [0.887, 0.929] → "88.7–92.9 %". */
export function percents([low, high]: readonly [number, number], digits = 1): string {
  return `${percentNumber(low, digits)}–${percent(high, digits)}`;
}

/** A difference of two shares in percentage points: 0.012 → "+1.2". */
export function points(difference: number): string {
  const value = Number((100 * difference).toFixed(1));
  if (value === 0) return decimal(0, 1);
  return (value < 0 ? MINUS : "+") + decimal(Math.abs(value), 1);
}

/** A loss or a temperature with `digits` decimals. */
export function figure(value: number, digits = 3): string {
  return Number.isFinite(value) ? decimal(value, digits) : "∞";
}

/** Two figures as a range: [0.1, 0.25] → "0.100–0.250". */
export function figures([low, high]: readonly [number, number], digits = 3): string {
  return `${figure(low, digits)}–${figure(high, digits)}`;
}

/** A p-value to two figures, or "<0.001". */
export function pValue(p: number | null): string {
  if (p === null) return "–";
  if (p < 0.001) return `<${GAP}${decimal(0.001, 3)}`;
  return decimal(p, p < 0.1 ? 3 : 2);
}

/** Seconds up to a minute and a half, then minutes, then hours. */
export function seconds(value: number): string {
  if (value < 90) return t("unit.s", { n: decimal(value, value < 10 ? 1 : 0) });
  const minutes = Math.floor(Math.round(value) / 60);
  const two = (number: number) => String(number).padStart(2, "0");
  if (minutes < 60) return t("unit.min_s", { min: minutes, s: two(Math.round(value) % 60) });
  return t("unit.h_min", { h: Math.floor(minutes / 60), min: two(minutes % 60) });
}

/** An estimated time: "a few seconds", "40 s", "3 min", "1 h 20 min". */
export function roughly(value: number): string {
  if (value < 8) return t("unit.few_s");
  if (value < 55) return t("unit.s", { n: 5 * Math.round(value / 5) });
  const minutes = Math.max(1, Math.round(value / 60));
  if (minutes < 60) return t("unit.min", { n: minutes });
  const tens = 10 * Math.round(minutes / 10);
  const [h, min] = [Math.floor(tens / 60), tens % 60];
  return min ? t("unit.h_min", { h, min }) : t("unit.h", { n: h });
}

/** Milliseconds to about three figures. */
export function milliseconds(value: number): string {
  return t("unit.ms", { n: aboutThree(value) });
}

/** Bytes as megabytes (10⁶) to about three figures. */
export function megabytes(bytes: number): string {
  return t("unit.mb", { n: aboutThree(bytes / 1e6) });
}

/** A large number in words: "12.3 million". */
export function large(value: number): string {
  if (value >= 1e9) return t("unit.billion", { n: aboutThree(value / 1e9) });
  if (value >= 1e6) return t("unit.million", { n: aboutThree(value / 1e6) });
  return count(value);
}

/** The value of a setting; "auto" depends on the pictures and the budget. */
export function setting(value: unknown): string {
  if (value === null || value === undefined) return "auto";
  if (typeof value === "boolean") return value ? t("common.yes") : t("common.no");
  if (typeof value === "number") return significant(value, 4);
  if (Array.isArray(value)) {
    const all = value.map(setting);
    const between = all.some((one) => one.includes(",")) ? "; " : ", "; // 0,1; 0,2
    return all.length ? all.join(between) : t("common.none");
  }
  return String(value);
}

/** A number as it would be typed, with at most so many figures: 0.0012345 → "0.001235". */
function significant(value: number, figures: number): string {
  const format = { maximumSignificantDigits: figures, useGrouping: false } as const;
  return value.toLocaleString(locale(), format);
}

/** With a capital, where a line begins. */
export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);
}

/** The last two parts of a long path: "/home/ann/sets/pets" → "…/sets/pets". */
export function shortPath(path: string): string {
  const parts = path.split(/[\\/]/).filter(Boolean);
  return parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : path;
}

/** An ISO 8601 time in the reader's zone and language, without seconds. */
export function moment(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return time.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

function aboutThree(value: number): string {
  return decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}
