/** Shares with their intervals, as rows on one axis. */
import { shareDomain, shareTicks, type Domain } from "./scales.ts";

/** One measured share: whose it is, and whether it is drawn hollow (the locked test). */
export interface Whisker {
  number: number;
  label: string;
  value: number;
  interval: readonly [number, number];
  hollow?: boolean;
}

/** What all the rows of a table share, so that they can be compared by eye. */
export interface Axis {
  domain: Domain;
  ticks: number[];
}

export function axisOf(whiskers: Iterable<Whisker>): Axis {
  const ends = [...whiskers].flatMap((one) => [...one.interval, one.value]);
  const domain = shareDomain(ends);
  return { domain, ticks: shareTicks(domain, 4) };
}

/** How far along the axis a share is, in percent of its length. */
export function along({ domain: [low, high] }: Axis, share: number): number {
  return (100 * (Math.min(Math.max(share, low), high) - low)) / (high - low);
}
