/** Learning curves: measurements, the fitted law and forecasts. */
import type { Schema } from "../lib/api.ts";
import { shareDomain, type Domain } from "./scales.ts";

export type LearningCurve = Schema["LearningCurve"];
/** A share with its interval, at a number of pictures. */
export type Place = Pick<Schema["CurvePoint"], "pictures" | "accuracy" | "interval">;

const STEPS = 40; // points of a line, at equal ratios

/** The accuracy that the law predicts for a number of pictures. */
export function law({ floor, scale, exponent }: LearningCurve, pictures: number): number {
  return Math.min(1, Math.max(0, 1 - floor - scale * pictures ** -exponent));
}

/** The law as a line between two numbers of pictures; empty without a law. */
export function line(curve: LearningCurve, from: number, to: number): [number, number][] {
  if (!curve.scale || !(from < to)) return [];
  return Array.from({ length: STEPS + 1 }, (_, n) => {
    const pictures = from * (to / from) ** (n / STEPS);
    return [pictures, law(curve, pictures)];
  });
}

/** The largest measured number of pictures; beyond it all is forecast. */
export function last(curve: LearningCurve): number {
  return Math.max(...curve.points.map((point) => point.pictures));
}

/** The forecasts, starting from the law at the last measurement. */
export function fan(curve: LearningCurve): Place[] {
  const end = last(curve);
  const accuracy = law(curve, end);
  return [{ pictures: end, accuracy, interval: [accuracy, accuracy] }, ...curve.forecasts];
}

/** All numbers of pictures, ascending. */
export function sizes(curves: readonly LearningCurve[]): number[] {
  const all = curves.flatMap((curve) => [...curve.points, ...curve.forecasts]);
  return [...new Set(all.map((one) => one.pictures))].sort((a, b) => a - b);
}

/** A domain for all points and forecasts with their intervals. */
export function shares(curves: readonly LearningCurve[]): Domain {
  const all = curves.flatMap((one): Place[] => [...one.points, ...one.forecasts]);
  return shareDomain(all.flatMap((one) => [one.accuracy, ...one.interval]));
}

/** Of ascending places on an axis, those at least `least` apart; the last one is always kept. */
export function apart(places: readonly number[], least: number): number[] {
  const kept: number[] = [];
  for (const place of [...places].reverse()) {
    if (!kept.length || kept[0]! - place >= least) kept.unshift(place);
  }
  return kept;
}
