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

/** What there is to say first, however far the search is. */
export function headline(view: StudyView, search: Search): string {
  if (search.recommendation) {
    return search.recommendation.trial
      ? `Take trial ${search.recommendation.trial}`
      : "Keep the defaults";
  }
  const first = MEASURES[view.study.protocol.aims[0]!];
  const found = best(search, first);
  if (!found) return "No trial is finished yet";
  return view.state === "in progress"
    ? `Trial ${found.number} is the best so far`
    : `Trial ${found.number} is the best of those that were finished`;
}

/** A trial in one line, for those who cannot see its point. */
export function told(study: Study, trial: Trial, pick: number | undefined): string {
  const scores = study.protocol.aims.flatMap((aim) => {
    const { noun, value, text } = MEASURES[aim];
    const known = value(trial);
    return known === null ? [] : [`${noun} ${text(known)}`];
  });
  const said = trial.state === "finished" ? scores : [STATES[trial.state]];
  const more = [
    ...(trial.number === pick ? ["the pick"] : []),
    ...(trial.number === 0 ? ["the defaults"] : []),
  ];
  return `Trial ${trial.number}: ${[...said, ...more].join(", ")}`;
}

export interface Fact {
  name: string;
  text: string;
}

/** What was searched, on which pictures, and where. */
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
      text: known.aims.map((one) => MEASURES[one].noun).join(", then "),
    },
    {
      name: "A trial saw",
      text: `${plural(known.inner_pictures, "inner picture")}, in ${plural(known.inner_folds, "fold")}`,
    },
    {
      name: "No trial saw",
      text: [
        `${plural(known.outer_pictures, "outer picture")}`,
        ...(known.test_pictures
          ? [`${count(known.test_pictures)} of the locked test, which stays shut`]
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
  const of = (state: Trial["state"]) => search.trials.filter((one) => one.state === state).length;
  return (["finished", "pruned", "failed", "running"] as const)
    .filter((state) => of(state) || state === "finished")
    .map((state) => `${count(of(state))} ${STATES[state]}`)
    .join(", ");
}
