/** Requests about runs: options, estimates, start, cancel, resume, delete. */
import { get, request, send, type Schema } from "../../lib/api.ts";

export type Choices = Schema["Choices"];
/** The options of a run that the page sets; the others keep their defaults. */
export type Training = Required<
  Pick<
    Schema["Training"],
    | "set"
    | "approaches"
    | "budget"
    | "folds"
    | "test"
    | "group"
    | "keep_groups"
    | "leave_one_group_out"
    | "metric"
    | "pseudo_label"
    | "seed"
  >
>;
export type Estimate = Schema["Estimate"];
export type RunSummary = Schema["RunSummary"];

export function choices(): Promise<Choices> {
  return get("/api/training");
}

export function estimate(training: Training, signal: AbortSignal): Promise<Estimate> {
  return send("POST", "/api/training/estimate", training, signal);
}

/** The name of the run that was started. */
export async function start(training: Training): Promise<string> {
  return (await send<Schema["Started"]>("POST", "/api/training", training)).run;
}

/** Start a run on labels that are still being given: quick, with a forecast for random picks. */
export async function startQuick(set: string, folds: number): Promise<string> {
  const approaches = ["scattering", "transfer"].map((name) => ({ name, settings: {} }));
  const wanted = { set, approaches, folds, budget: "quick", curve: true, robustness: false };
  return (await send<Schema["Started"]>("POST", "/api/training", wanted)).run;
}

export function listRuns(): Promise<RunSummary[]> {
  return get("/api/runs");
}

export function cancelRun(name: string): Promise<RunSummary> {
  return send("POST", `${at(name)}/cancel`);
}

export function resumeRun(name: string): Promise<RunSummary> {
  return send("POST", `${at(name)}/resume`);
}

export function deleteRun(name: string): Promise<void> {
  return send("DELETE", at(name));
}

export async function logOf(name: string, signal: AbortSignal): Promise<string> {
  return (await request(`${at(name)}/log`, { signal })).text();
}

function at(name: string): string {
  return `/api/runs/${encodeURIComponent(name)}`;
}
