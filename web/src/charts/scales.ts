/** Domains of axes, and round ticks. */
import { scaleLinear } from "d3-scale";
import { decimalsOf } from "../lib/format.ts";
import { decimal, percentSign } from "../lib/language.svelte.ts";

export type Domain = [low: number, high: number];

/** A domain of shares around all `values` with a margin, never empty. */
export function shareDomain(values: Iterable<number>): Domain {
  const known = [...values];
  const low = known.length ? known.reduce((a, b) => Math.min(a, b)) : 0;
  const high = known.length ? known.reduce((a, b) => Math.max(a, b)) : 1;
  const room = 0.06 * Math.max(high - low, 0.05);
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

/** Round shares within a domain, at most `most`: 0.9, 0.95, 1. */
export function shareTicks(domain: Domain, most = 5): number[] {
  for (let wanted = most; wanted > 1; wanted--) {
    const ticks = scaleLinear(domain, [0, 1]).ticks(wanted);
    if (ticks.length <= most) return ticks;
  }
  return domain;
}

/** A share as the label of a tick: 0.95 → "95"; 0.975 → "97.5". */
export function tickText(share: number): string {
  return tickNumber(100 * share);
}

/** The same with its sign, on axes where each tick has one. */
export function tickPercent(share: number): string {
  return tickText(share) + percentSign();
}

/** A number as the label of a tick, with as many decimals as it has. */
export function tickNumber(value: number): string {
  return decimal(value, decimalsOf(value));
}

/** 1, 2 and 5 times the powers of ten within a domain, or only the powers if crowded. */
export function logTicks([low, high]: Domain, most = 5): number[] {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, n) => first + n,
  );
  const ticks = powers
    .flatMap((power) => [1, 2, 5].map((factor) => Number(`${factor}e${power}`)))
    .filter((tick) => low <= tick && tick <= high);
  if (ticks.length <= most) return ticks;
  return ticks.filter((tick) => Number.isInteger(Math.log10(tick)));
}
