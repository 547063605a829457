/** Training curves as points: every fit and their mean. */
import type { Schema } from "../lib/api.ts";
import { shareDomain, type Domain } from "./scales.ts";

export type EpochRecord = Schema["EpochRecord"];
export type Reading = "train_loss" | "validation_loss" | "train_accuracy" | "validation_accuracy";
export type Point = [epoch: number, value: number];

/** One fit of one approach, finished or running. `best` is the epoch that was kept. */
export interface Fit {
  name: string;
  curve: readonly EpochRecord[];
  best?: number;
}

/** Domains of the y axes, which several approaches can share. */
export interface Domains {
  loss: Domain;
  accuracy: Domain;
}

const LEAST_LOSS = 1e-4; // lower losses would leave the rest of a log axis empty

/** The points of one fit. Losses of a diverged fit that are not numbers are left out. */
export function points(fit: Fit, reading: Reading): Point[] {
  return fit.curve.flatMap((epoch): Point[] => {
    const value = epoch[reading];
    return value !== null && Number.isFinite(value) ? [[epoch.epoch, value]] : [];
  });
}

/** Whether there is nothing to draw: one point is no curve, its figures are in the tables. */
export function inOneStep(fits: readonly Fit[], planned = 1): boolean {
  return planned === 1 && fits.every((fit) => fit.curve.length <= 1);
}

/** The mean of all fits. It ends where the first fit stops, as the mean of the rest would jump. */
export function mean(lines: readonly Point[][]): Point[] {
  const [first, ...others] = lines.map((line) => new Map(line));
  if (!first) return [];
  return [...first].flatMap(([epoch, value]): Point[] => {
    const values = [value, ...others.map((line) => line.get(epoch))];
    if (!values.every((value) => value !== undefined)) return [];
    return [[epoch, values.reduce((a, b) => a + b) / values.length]];
  });
}

export function domains(fits: readonly Fit[]): Domains {
  const of = (...readings: Reading[]) =>
    fits.flatMap((fit) =>
      readings.flatMap((reading) => points(fit, reading).map(([, value]) => value)),
    );
  const losses = of("train_loss", "validation_loss");
  const least = Math.max(
    LEAST_LOSS,
    losses.reduce((a, b) => Math.min(a, b), losses[0] ?? 0.1),
  );
  const most = losses.reduce((a, b) => Math.max(a, b), losses[0] ?? 1);
  return {
    loss: [0.85 * least, Math.max(1.15 * most, 2 * least)],
    accuracy: shareDomain(of("train_accuracy", "validation_accuracy")),
  };
}

/** First and last epoch; `planned` is the maximum of a fit, if known. */
export function epochs(fits: readonly Fit[], planned?: number): Domain {
  const known = fits.flatMap((fit) => fit.curve.map((one) => one.epoch));
  const first = known.reduce((a, b) => Math.min(a, b), known[0] ?? 1);
  const last = known.reduce((a, b) => Math.max(a, b), planned ?? 0);
  return [first, Math.max(last, first + 1)];
}
