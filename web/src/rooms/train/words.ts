/** A run in words. */
import { FINAL, isFinished, type Progress, type Unit } from "./progress.ts";

const TITLES: Record<string, string> = {
  baseline: "Baseline",
  cnn: "CNN",
  vit: "ViT",
  transfer: "Transfer",
};

/** "cnn" → "CNN": as an approach is called in short; its own title is a whole line. */
export function short(approach: string): string {
  return TITLES[approach] ?? approach;
}

/** What a run does at this moment. */
export function doing(now: Progress): string {
  switch (now.phase) {
    case "starting":
      return "Reading the pictures";
    case "measuring":
      return "Measuring how fast this machine is";
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
  const preparing = now.approaches.find((one) => one.preparing);
  if (preparing) return `${short(preparing.name)}: preparing the pictures`;
  if (!now.current) return "Training";
  const { approach, fold } = now.current;
  const unit = now.approaches
    .find((one) => one.name === approach)
    ?.units.find((one) => one.fold === fold);
  const epoch = unit?.curve.at(-1);
  const far = epoch && unit?.planned ? `, epoch ${epoch.epoch} of ${unit.planned}` : "";
  return `${short(approach)}: ${foldWords(now, fold)}${far}`;
}

/** What to say aloud: only what changes every now and then. */
export function aloud(now: Progress): string {
  if (now.phase !== "training") return doing(now);
  return now.current ? `${foldWords(now, now.current.fold)} of ${short(now.current.approach)}` : "";
}

function foldWords(now: Progress, fold: string): string {
  if (fold === FINAL) return "final fit on all pictures";
  const number = now.folds.indexOf(fold) + 1;
  const plain = /^(fold )?\d+$/.test(fold);
  return `fold ${number} of ${now.folds.length}${plain ? "" : ` (${fold})`}`;
}

/** How a unit stands, for those who do not see its cell. */
export function unitWords(unit: Unit): string {
  if (isFinished(unit)) return "finished";
  return unit.state === "training" ? "at work" : "waiting";
}
