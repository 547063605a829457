/** A search in sentences. */
import { named, t } from "../../lib/language.svelte.ts";
import { count, moment } from "../../lib/format.ts";
import {
  MEASURES,
  best,
  STATES,
  type Search,
  type Study,
  type StudyView,
  type Trial,
} from "./study.ts";

/** The headline, at any stage of the search. */
export function headline(view: StudyView, search: Search): string {
  if (search.recommendation) {
    const number = search.recommendation.trial;
    return number ? t("tune.use", { number }) : t("tune.keep");
  }
  const first = MEASURES[view.study.protocol.aims[0]!];
  const found = best(search, first);
  if (!found) return t("tune.noTrial");
  const { number } = found;
  return view.state === "in progress"
    ? t("tune.bestSoFar", { number })
    : t("tune.bestFinished", { number });
}

/** A trial in one line, for screen readers. */
export function trialWords(study: Study, trial: Trial, recommended: number | undefined): string {
  const scores = study.protocol.aims.flatMap((aim) => {
    const { noun, value, text } = MEASURES[aim];
    const known = value(trial);
    return known === null ? [] : [`${noun} ${text(known)}`];
  });
  const said = trial.state === "finished" ? scores : [STATES[trial.state]];
  const more = [
    ...(trial.number === recommended ? [t("tune.recommended")] : []),
    ...(trial.number === 0 ? [t("tune.theDefaults")] : []),
  ];
  return t("tune.trialIs", { number: trial.number, words: [...said, ...more].join(", ") });
}

export interface Fact {
  name: string;
  text: string;
}

/** Facts about the search: aim, pictures, budget and machine. */
export function facts({ study }: StudyView, search: Search): Fact[] {
  const { protocol: known, machine } = study;
  const parts = [
    machine.gpu ?? machine.processor,
    machine.device === "cpu" ? "" : machine.device,
    machine.threads && t("tune.threads", { n: Number(machine.threads) }),
  ];
  return [
    {
      name: t("tune.aim"),
      text: known.aims
        .map((aim) => MEASURES[aim].noun)
        .reduce((first, second) => t("tune.then", { first, second })),
    },
    {
      name: t("tune.inner"),
      text: t("tune.innerText", { pictures: known.inner_pictures, n: known.inner_folds }),
    },
    {
      name: t("tune.outer"),
      text: t(known.test_pictures ? "tune.outerLocked" : "tune.outerText", {
        pictures: known.outer_pictures,
        locked: known.test_pictures ?? 0,
      }),
    },
    { name: t("tune.trials"), text: trials(search) },
    {
      name: t("tune.budget"),
      text: t("tune.budgetText", {
        budget: named("budget", known.budget, known.budget),
        seed: String(known.seed),
      }),
    },
    { name: t("tune.machine"), text: parts.filter(Boolean).join(", ") },
    ...(study.finished ? [{ name: t("tune.finishedAt"), text: moment(study.finished) }] : []),
  ];
}

function trials(search: Search): string {
  const of = (state: Trial["state"]) =>
    search.trials.filter((trial) => trial.state === state).length;
  return (["finished", "pruned", "failed", "running"] as const)
    .filter((state) => of(state) || state === "finished")
    .map((state) => `${count(of(state))} ${STATES[state]}`)
    .join(", ");
}
