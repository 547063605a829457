/** The state of a run in words. */
import { FINAL, isFinished, type Progress, type Unit } from "./progress.ts";

const TITLES: Record<string, string> = {
  scattering: "Scattering",
  baseline: "Baseline",
  cnn: "CNN",
  vit: "ViT",
  transfer: "Transfer",
};

/** "cnn" → "CNN": the short name of an approach, whose full title is long. */
export function short(approach: string): string {
  return TITLES[approach] ?? approach;
}

/** The current step of a run. */
export function currentStep(now: Progress): string {
  switch (now.phase) {
    case "starting":
      return "Reading the pictures";
    case "measuring":
      return "Measuring the speed of this machine";
    case "scoring":
      return "Scoring";
    case "packing":
      return "Packing the models";
    case "finished":
      return "Finished";
    case "stopped":
      return "Stopped";
    case "failed":
      return "Failed";
  }
  const preparing = now.approaches.find((approach) => approach.preparing);
  if (preparing) return `${short(preparing.name)}: preparing the pictures`;
  if (!now.current) return "Training";
  const { approach, fold } = now.current;
  const unit = now.approaches
    .find((one) => one.name === approach)
    ?.units.find((unit) => unit.fold === fold);
  const epoch = unit?.curve.at(-1);
  const far = epoch && unit?.planned ? `, epoch ${epoch.epoch} of ${unit.planned}` : "";
  return `${short(approach)}: ${foldWords(now, fold)}${far}`;
}

/** The text for screen readers, without the details that change all the time. */
export function spoken(now: Progress): string {
  if (now.phase !== "training") return currentStep(now);
  return now.current ? `${foldWords(now, now.current.fold)} of ${short(now.current.approach)}` : "";
}

function foldWords(now: Progress, fold: string): string {
  if (fold === FINAL) return "final fit on all pictures";
  const number = now.folds.indexOf(fold) + 1;
  const plain = /^(fold )?\d+$/.test(fold);
  return `fold ${number} of ${now.folds.length}${plain ? "" : ` (${fold})`}`;
}

/** The state of a unit, for screen readers. */
export function unitWords(unit: Unit): string {
  if (isFinished(unit)) return "finished";
  return unit.state === "training" ? "training" : "waiting";
}
