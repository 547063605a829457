/** Numbers as text. Every figure on the page is formatted here. */

const GAP = "\u202f"; // keeps "1 234" and "97.5 %" on one line, narrower than a word space
const MINUS = "\u2212";

/** 1234 → "1 234". */
export function count(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, GAP);
}

/** (1, "picture") → "1 picture"; (3, "class", "classes") → "3 classes". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** 0.975 → "97.5 %"; a share below 1 is never rounded up to "100.0 %". */
export function percent(share: number, digits = 1): string {
  let text = (100 * share).toFixed(digits);
  if (share < 1 && Number(text) >= 100) text = (100 - 10 ** -digits).toFixed(digits);
  return `${text}${GAP}%`;
}

/** The probability of a class: 0.975 → "97.5 %". No class is ruled out, so 0.0001 → "<0.1 %". */
export function likely(probability: number): string {
  return probability < 0.0005 ? `<${percent(0.001)}` : percent(probability);
}

/** A generated sentence with no line break between a number and its percent sign. */
export function glued(sentence: string): string {
  return sentence.replace(/(\d) ?%/g, `$1${GAP}%`).replaceAll(" = ", "\u00a0=\u00a0");
}

/** [0.887, 0.929] → "88.7–92.9 %". */
export function percents([low, high]: readonly [number, number], digits = 1): string {
  return `${percent(low, digits).slice(0, -2)}–${percent(high, digits)}`;
}

/** A difference of two shares in percentage points: 0.012 → "+1.2". */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(1);
  if (Number(text) === 0) return "0.0";
  return text.startsWith("-") ? MINUS + text.slice(1) : `+${text}`;
}

/** A loss or a temperature with `digits` decimals. */
export function figure(value: number, digits = 3): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "∞";
}

/** Two figures as a range: [0.1, 0.25] → "0.100–0.250". */
export function figures([low, high]: readonly [number, number], digits = 3): string {
  return `${figure(low, digits)}–${figure(high, digits)}`;
}

/** A p-value to two figures, or "<0.001". */
export function pValue(p: number | null): string {
  if (p === null) return "–";
  if (p < 0.001) return `<${GAP}0.001`;
  return p < 0.1 ? p.toFixed(3) : p.toFixed(2);
}

/** Seconds up to a minute and a half, then minutes, then hours. */
export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 90) return `${value.toFixed(0)} s`;
  const minutes = Math.floor(Math.round(value) / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.round(value) % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** An estimated time: "a few seconds", "40 s", "3 min", "1 h 20 min". */
export function roughly(value: number): string {
  if (value < 8) return "a few seconds";
  if (value < 55) return `${5 * Math.round(value / 5)} s`;
  const minutes = Math.max(1, Math.round(value / 60));
  if (minutes < 60) return `${minutes} min`;
  const tens = 10 * Math.round(minutes / 10);
  return `${Math.floor(tens / 60)} h${tens % 60 ? ` ${tens % 60} min` : ""}`;
}

/** Milliseconds to about three figures. */
export function milliseconds(value: number): string {
  return `${aboutThree(value)} ms`;
}

/** Bytes as megabytes (10⁶) to about three figures. */
export function megabytes(bytes: number): string {
  return `${aboutThree(bytes / 1e6)} MB`;
}

/** A large number in words: "12.3 million". */
export function large(value: number): string {
  if (value >= 1e9) return `${aboutThree(value / 1e9)} billion`;
  if (value >= 1e6) return `${aboutThree(value / 1e6)} million`;
  return count(value);
}

/** The value of a setting; "auto" depends on the pictures and the budget. */
export function setting(value: unknown): string {
  if (value === null || value === undefined) return "auto";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  if (Array.isArray(value)) return value.length ? value.map(setting).join(", ") : "none";
  return String(value);
}

/** An ISO 8601 time in the reader's zone and locale, without seconds. */
export function moment(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function aboutThree(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
