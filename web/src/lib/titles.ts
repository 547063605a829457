/** What approaches and metrics are called in the reader's language. Those of plugins stay as they are. */
import { language, t, type Key } from "./language.svelte.ts";

/** The texts of the titles in `approaches/registry.py`. */
export const APPROACHES: Readonly<Record<string, Key>> = {
  Scattering: "title.scattering",
  "Plain baseline": "title.baseline",
  "CNN from scratch": "title.cnn",
  "Vision Transformer from scratch": "title.vit",
  "Transfer learning": "title.transfer",
};

/** The texts of the titles in `evaluation/headline.py`, by which approaches are ranked. */
export const METRICS: Readonly<Record<string, Key>> = {
  Accuracy: "common.accuracy",
  "Balanced accuracy": "metric.balanced",
  "Macro F1": "metric.f1",
  "Mean cost": "metric.cost",
};
const IN_SENTENCES = new Map(
  Object.entries(METRICS).map(([title, key]) => [title.toLowerCase(), key]),
);

const SHORT: Readonly<Record<string, () => string>> = {
  scattering: () => t("title.scattering"),
  baseline: () => t("title.shortBaseline"),
  cnn: () => "CNN",
  vit: () => "ViT",
  transfer: () => t("title.shortTransfer"),
};

/** "cnn" → "CNN": the short name of an approach, whose full title is long. */
export function short(approach: string): string {
  return SHORT[approach]?.() ?? approach;
}

export function approachTitle(title: string): string {
  const key = APPROACHES[title];
  return key ? t(key) : title;
}

/** A metric as a sentence of the server names it: at its beginning, or in lower case. */
export function metricTitle(title: string): string {
  if (METRICS[title]) return t(METRICS[title]);
  const key = IN_SENTENCES.get(title);
  if (!key) return title;
  const own = t(key);
  const lower = own.charAt(0).toLocaleLowerCase(language()) + own.slice(1);
  return language() === "de" || /^.\d/.test(own) ? own : lower; // nouns, and F1
}
