/** A run in sentences. */
import { count, moment, plural, setting } from "../../lib/format.ts";
import type { Results } from "../../lib/run.ts";

/** The verdict in one line, as the terminal and the report have it. */
export function headline(results: Results): string {
  if (results.preliminary) return "Results so far";
  if (results.verdict?.headline) return results.verdict.headline;
  // Runs of older versions have none.
  const { name } = results.winner;
  const won = results.approaches.find((approach) => approach.name === name);
  if (!won) return "No clear winner";
  // A single approach has won nothing.
  return results.approaches.length > 1 ? `Trust ${won.title}` : `${won.title}, the only approach`;
}

export interface Fact {
  name: string;
  text: string;
}

/** What was scored, how, and where: the facts beside the verdict. */
export function facts(results: Results): Fact[] {
  const { dataset, protocol } = results;
  return [
    { name: "Pictures", text: dataset.description },
    { name: "Scored by", text: scoredBy(results) },
    { name: "Locked test", text: lockedTest(results) },
    {
      name: "Kept together",
      text: protocol.kept_together === "groups" ? "duplicates and groups" : "duplicates",
    },
    ...(protocol.unscored?.length
      ? [{ name: "Cannot be scored", text: protocol.unscored.join(", ") }]
      : []),
    { name: "Machine", text: machine(results.machine) },
    {
      name: "Run",
      text: `${results.preliminary ? "not finished, as of" : "finished"} ${moment(results.finished)}, seed ${protocol.seed}`,
    },
  ];
}

function scoredBy({ protocol }: Results): string {
  const pictures = plural(protocol.training_pictures, "picture");
  if (protocol.leave_one_group_out) {
    return `leave-one-group-out: ${count(protocol.folds)} groups, ${pictures}`;
  }
  if (protocol.folds) return `${protocol.folds}-fold cross-validation on ${pictures}`;
  return `the locked test alone, after training on ${pictures}`;
}

function lockedTest({ protocol, preliminary }: Results): string {
  if (!protocol.test) {
    return protocol.unscored?.length ? "none" : "none, every picture is in a fold";
  }
  const opened = protocol.test_opened
    ? `opened once, ${moment(protocol.test_opened)}`
    : preliminary
      ? "still closed"
      : "not opened";
  return `${plural(protocol.test_pictures, "picture")}, ${protocol.test}; ${opened}`;
}

/** The parts that affect timings; the rest is in Cost & method. */
function machine(known: Results["machine"]): string {
  const parts = [
    known.gpu ?? known.processor,
    known.device,
    known.threads && plural(Number(known.threads), "thread"),
    known.precision,
  ];
  return parts.filter(Boolean).join(", ");
}

export interface Setting {
  name: string;
  /** By approach, in the order given; null if the approach has no such setting. */
  values: (string | null)[];
}

/** The settings of all approaches as one table, shared ones first. */
export function settings(all: readonly Record<string, unknown>[]): Setting[] {
  const flat = all.map((one) => new Map(flattened(one)));
  const names = [...new Set(flat.flatMap((one) => [...one.keys()]))];
  const shared = (name: string) => flat.filter((one) => one.has(name)).length;
  return names
    .map((name) => ({ name, values: flat.map((one) => one.get(name) ?? null) }))
    .sort((a, b) => shared(b.name) - shared(a.name));
}

function flattened(settings: object, prefix = ""): [string, string][] {
  return Object.entries(settings).flatMap(([name, value]): [string, string][] =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? flattened(value as object, `${prefix}${name}.`)
      : [[prefix + name, setting(value)]],
  );
}
