/** A search in sentences. */
import { count, moment, plural } from "../../lib/format.ts";
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
    return search.recommendation.trial
      ? `Use trial ${search.recommendation.trial}`
      : "Keep the defaults";
  }
  const first = MEASURES[view.study.protocol.aims[0]!];
  const found = best(search, first);
  if (!found) return "No trial is finished yet";
  return view.state === "in progress"
    ? `Trial ${found.number} is the best so far`
    : `Trial ${found.number} is the best of the finished trials`;
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
    ...(trial.number === recommended ? ["recommended"] : []),
    ...(trial.number === 0 ? ["the defaults"] : []),
  ];
  return `Trial ${trial.number}: ${[...said, ...more].join(", ")}`;
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
    machine.device,
    machine.threads && plural(Number(machine.threads), "thread"),
  ];
  return [
    {
      name: "Aim",
      text: known.aims.map((aim) => MEASURES[aim].noun).join(", then "),
    },
    {
      name: "Inner pictures",
      text: `${count(known.inner_pictures)} in ${plural(known.inner_folds, "fold")}, used by the trials`,
    },
    {
      name: "Outer pictures",
      text: [
        `${count(known.outer_pictures)}, used by no trial`,
        ...(known.test_pictures
          ? [`${count(known.test_pictures)} in the locked test, unused`]
          : []),
      ].join(", and "),
    },
    { name: "Trials", text: trials(search) },
    { name: "Budget", text: `${known.budget}, seed ${known.seed}` },
    { name: "Machine", text: parts.filter(Boolean).join(", ") },
    ...(study.finished ? [{ name: "Finished", text: moment(study.finished) }] : []),
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
