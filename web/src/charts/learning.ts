/** What more pictures bring: measured, as a law, and forecast. */
import type { Schema } from "../lib/api.ts";
import { shareDomain, type Domain } from "./scales.ts";

export type LearningCurve = Schema["LearningCurve"];
/** A share with its interval, at so many pictures. */
export type Place = Pick<Schema["CurvePoint"], "pictures" | "accuracy" | "interval">;

const STEPS = 40; // of a line, at equal factors

/** The accuracy that the law gives for so many pictures. */
export function law({ floor, scale, exponent }: LearningCurve, pictures: number): number {
  return Math.min(1, Math.max(0, 1 - floor - scale * pictures ** -exponent));
}

/** The law as a line from so many pictures to so many; none where no law was found. */
export function line(curve: LearningCurve, from: number, to: number): [number, number][] {
  if (!curve.scale || !(from < to)) return [];
  return Array.from({ length: STEPS + 1 }, (_, n) => {
    const pictures = from * (to / from) ** (n / STEPS);
    return [pictures, law(curve, pictures)];
  });
}

/** The largest number of pictures that was tried; from there on all is a guess. */
export function last(curve: LearningCurve): number {
  return Math.max(...curve.points.map((one) => one.pictures));
}

/** The forecasts, led in by where the law stands at the end of what was measured. */
export function fan(curve: LearningCurve): Place[] {
  const end = last(curve);
  const accuracy = law(curve, end);
  return [{ pictures: end, accuracy, interval: [accuracy, accuracy] }, ...curve.forecasts];
}

/** All numbers of pictures that are spoken of, ascending. */
export function sizes(curves: readonly LearningCurve[]): number[] {
  const all = curves.flatMap((one) => [...one.points, ...one.forecasts]);
  return [...new Set(all.map((one) => one.pictures))].sort((a, b) => a - b);
}

/** Shares that hold all points and forecasts with their intervals. */
export function shares(curves: readonly LearningCurve[]): Domain {
  const all = curves.flatMap((one): Place[] => [...one.points, ...one.forecasts]);
  return shareDomain(all.flatMap((one) => [one.accuracy, ...one.interval]));
}

/** Of ascending places on an axis those that stand apart; the last is always among them. */
export function apart(places: readonly number[], least: number): number[] {
  const kept: number[] = [];
  for (const place of [...places].reverse()) {
    if (!kept.length || kept[0]! - place >= least) kept.unshift(place);
  }
  return kept;
}
