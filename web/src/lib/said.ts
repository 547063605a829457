/** Sentences that the server made, in the reader's language. The English ones are its own. */
import type { Schema } from "./api.ts";
import {
  briefly,
  decimalsOf,
  figure,
  GAP,
  glued,
  megabytes,
  milliseconds,
  percent,
  percents,
  points,
} from "./format.ts";
import { pValue, seconds } from "./format.ts";
import { decimal, language, listed, sentence, t } from "./language.svelte.ts";
import { approachTitle, metricTitle } from "./titles.ts";

type Message = Schema["Message"];
type Value = NonNullable<Message["values"]>[string];

/** The sentence of a message in the reader's language; without one, as the server wrote it. */
export function said(message: Message | null | undefined, english: string): string {
  if (!message || language() === "en") return glued(english);
  return glued(written(message) ?? english);
}

type Listed = "approach" | "budget" | "by" | "corruption" | "named" | "reader";

/** What a list says of an approach, say, or of a known set; that of a plugin stays as it is. */
export function about(kind: Listed, name: string, english: string): string {
  return said({ code: `${kind}.${name.replaceAll(" ", "_")}` }, english);
}

/** What a picture with a corruption is: "rotated". */
export function corruptionWords(name: string, english = name): string {
  return about("corruption", name, english);
}

/** Several sentences, one after the other. */
export function saidAll(messages: readonly Message[], english: string): string {
  const all = language() === "en" ? [] : messages.map(written);
  return all.length && !all.includes(null) ? glued(all.join(" ")) : glued(english);
}

/** Null if a text or a value is missing, as in the page of an older version. */
function written(message: Message): string | null {
  const text = sentence(message.code);
  if (text === undefined) return null;
  let whole = true;
  const filled = text.replace(/\{(\w+)(?::(\w+))?\}/g, (_, name: string, format?: string) => {
    const value = message.values?.[name];
    const shown = value === undefined ? null : valueOf(value, format ?? "", TITLES[name]);
    whole &&= shown !== null;
    return shown ?? "";
  });
  return whole ? filled : null;
}

/** The places that name approaches, or the metric that ranks them. */
const TITLES: Record<string, (title: string) => string> = {
  ...Object.fromEntries(
    ["title", "titles", "other", "better", "worse", "a", "b", "slowest", "fastest"].map((name) => [
      name,
      approachTitle,
    ]),
  ),
  metric: metricTitle,
  // Runs of older versions name corruptions.
  weakest: corruptionWords,
  corruption: corruptionWords,
};

const asItIs = (text: string) => text;

function valueOf(value: Value, format: string, named = asItIs): string | null {
  if (typeof value === "string") return named(value);
  if (typeof value === "number") return FORMATS[format]?.(value) ?? null;
  if (!Array.isArray(value)) return written(value);
  if (format !== "list" && format !== "comma") return rangeOf(value as [number, number], format);
  const parts = value.map((one) => valueOf(one, "", named));
  if (parts.includes(null)) return null;
  return format === "comma" ? parts.join(", ") : listed(parts as string[]);
}

function rangeOf(ends: [number, number], format: string): string | null {
  if (format === "span") return percents(ends);
  return format === "fineSpan" ? percents(ends, 2) : null;
}

/** How a number is written, by the format's name, as `bakeoff.said` does in English. */
const FORMATS: Record<string, (value: number) => string> = {
  "": (value) => decimal(value, 0),
  plain: (value) => decimal(value, 0),
  percent,
  share: percent,
  brief: briefly,
  whole: (share) => percent(share, 0),
  fine: (share) => percent(share, 2),
  points: (share) => decimal(100 * share, 1),
  signed: points,
  signedFigure: (value) => (value < 0 ? "" : "+") + figure(value),
  minus: (share) => decimal(100 * share, 1).replace("-", "\u2212"),
  pictures: (n) => t("count.pictures", { n }),
  classes: (n) => t("count.classes", { n }),
  groups: (n) => t("count.groups", { n }),
  times: (factor) => decimal(factor, factor < 2 ? 1 : 0),
  factor: (factor) => decimal(factor, decimalsOf(Number(factor.toPrecision(2)))),
  round: (factor) => decimal(factor, 0),
  duration: seconds,
  size: (bytes) => (bytes < 1e6 ? `${decimal(bytes / 1e3, 0)} kB` : megabytes(bytes)),
  ms: milliseconds,
  exactMs: (ms) => `${decimal(ms, 2)}${GAP}ms`,
  exactSize: (bytes) => `${decimal(bytes / 1e6, 2)}${GAP}MB`,
  loss: (nats) => decimal(nats, 4),
  p: (p) => (p < 0.001 ? pValue(p) : `= ${pValue(p)}`),
};

/** The names of all formats, for the test of the catalogues. */
export const FORMAT_NAMES = [...Object.keys(FORMATS), "list", "comma", "span", "fineSpan"];
