/** Shares with their intervals, in rows on one axis. */
import { shareDomain, shareTicks, type Domain } from "./scales.ts";

/** One measured share of a series; hollow for the locked test. */
export interface Whisker {
  number: number;
  label: string;
  value: number;
  interval: readonly [number, number];
  hollow?: boolean;
}

/** The axis that all rows of a table share. */
export interface Axis {
  domain: Domain;
  ticks: number[];
}

export function axisOf(whiskers: Iterable<Whisker>): Axis {
  const ends = [...whiskers].flatMap((one) => [...one.interval, one.value]);
  const domain = shareDomain(ends);
  return { domain, ticks: shareTicks(domain, 4) };
}

/** The position of a share on the axis, in percent of its length. */
export function along({ domain: [low, high] }: Axis, share: number): number {
  return (100 * (Math.min(Math.max(share, low), high) - low)) / (high - low);
}
