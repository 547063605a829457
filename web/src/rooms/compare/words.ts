/** A run in sentences. */
import { moment, percent, setting } from "../../lib/format.ts";
import { t } from "../../lib/language.svelte.ts";
import { said } from "../../lib/said.ts";
import type { Results } from "../../lib/run.ts";
import type { Confusion } from "./counts.ts";

/** The verdict in one line, as the terminal and the report have it. */
export function headline(results: Results): string {
  if (results.preliminary) return t("verdict.soFar");
  if (results.verdict?.headline) return said(results.verdict.said, results.verdict.headline);
  // Runs of older versions have none.
  const { name } = results.winner;
  const won = results.approaches.find((approach) => approach.name === name);
  if (!won) return t("verdict.noWinner");
  // A single approach has won nothing.
  return results.approaches.length > 1
    ? t("verdict.trust", { name: won.title })
    : t("verdict.only", { name: won.title });
}

/** A pair of the confusion matrix: "cat called dog", "cat recognised". */
export function pairName(classes: readonly string[], truth: number, answer: number): string {
  const label = classes[truth]!;
  if (truth === answer) return t("confusion.recognised", { label });
  return t("confusion.called", { label, answer: classes[answer]! });
}

/** A pair with the number of its pictures, and their share of the row. */
export function pairWords(
  classes: readonly string[],
  counted: Confusion,
  truth: number,
  answer: number,
): string {
  const [pair, n] = [pairName(classes, truth, answer), counted.count(truth, answer)];
  if (!n) return t("confusion.nothing", { pair });
  return t("confusion.pair", { pair, n, share: percent(counted.share(truth, answer)) });
}

export interface Fact {
  name: string;
  text: string;
}

/** What was scored, how, and where: the facts beside the verdict. */
export function facts(results: Results): Fact[] {
  const { dataset, protocol } = results;
  return [
    { name: t("fact.pictures"), text: said(dataset.description_said, dataset.description) },
    { name: t("fact.scoredBy"), text: scoredBy(results) },
    { name: t("fact.test"), text: lockedTest(results) },
    {
      name: t("fact.together"),
      text: protocol.kept_together === "groups" ? t("fact.duplicatesGroups") : t("fact.duplicates"),
    },
    ...(protocol.unscored?.length
      ? [{ name: t("fact.unscored"), text: protocol.unscored.join(", ") }]
      : []),
    { name: t("fact.machine"), text: machine(results.machine) },
    {
      name: t("fact.run"),
      text: t(results.preliminary ? "fact.notFinished" : "fact.finished", {
        time: moment(results.finished),
        seed: String(protocol.seed),
      }),
    },
  ];
}

function scoredBy({ protocol }: Results): string {
  const pictures = t("count.pictures", { n: protocol.training_pictures });
  if (protocol.leave_one_group_out) {
    return t("fact.groups", { n: protocol.folds, pictures });
  }
  if (protocol.folds) return t("fact.folds", { n: protocol.folds, pictures });
  return t("fact.testAlone", { pictures });
}

function lockedTest({ protocol, preliminary }: Results): string {
  if (!protocol.test) {
    return protocol.unscored?.length ? t("fact.testNone") : t("fact.testNoneFolds");
  }
  const opened = protocol.test_opened
    ? t("fact.opened", { time: moment(protocol.test_opened) })
    : preliminary
      ? t("fact.closed")
      : t("fact.notOpened");
  const kind = protocol.test === "official" ? t("fact.official") : t("fact.heldOut");
  return `${t("count.pictures", { n: protocol.test_pictures })}, ${kind}; ${opened}`;
}

/** The parts that affect timings; the rest is in Cost & method. */
function machine(known: Results["machine"]): string {
  const parts = [
    known.gpu ?? known.processor,
    known.device === "cpu" ? "" : known.device,
    known.threads && t("fact.threads", { n: Number(known.threads) }),
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
