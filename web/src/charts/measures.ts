/** Axes of measurements: linear for shares, logarithmic for others. */
import { scaleLinear, scaleLog } from "d3-scale";
import { logTicks, shareDomain, shareTicks, tickPercent, type Domain } from "./scales.ts";

export interface MeasureAxis {
  title: string;
  domain: Domain;
  log: boolean;
  ticks: { value: number; text: string }[];
}

interface Options {
  title: string;
  share: boolean;
  text: (value: number) => string;
}

/** An axis for all values, with round ticks. */
export function measureAxis(
  values: readonly number[],
  { title, share, text }: Options,
): MeasureAxis {
  if (share) {
    const domain = shareDomain(values);
    const ticks = shareTicks(domain).map((value) => ({ value, text: tickPercent(value) }));
    return { title, domain, log: false, ticks };
  }
  const known = values.filter((value) => Number.isFinite(value));
  const low = known.reduce((a, b) => Math.min(a, b), known[0] ?? 0.1);
  const high = known.reduce((a, b) => Math.max(a, b), known[0] ?? 1);
  // A log axis cannot show 0.
  const log = low > 0;
  const domain: Domain = log
    ? [low / 1.08, Math.max(high * 1.08, low * 1.2)]
    : [low, high > low ? high + 0.06 * (high - low) : low + 1];
  const round = log ? logTicks(domain) : [];
  const ticks = round.length > 2 ? round : scaleLinear(domain, [0, 1]).ticks(4);
  return { title, domain, log, ticks: ticks.map((value) => ({ value, text: text(value) })) };
}

/** From a value to its place between two ends, in pixels. */
export function measureScale({ domain, log }: MeasureAxis, ends: [number, number]) {
  return (log ? scaleLog(domain, ends) : scaleLinear(domain, ends)).clamp(true);
}
