/** The state of a run in words. */
import { t } from "./language.svelte.ts";
import { FINAL, isFinished, type Progress, type Unit } from "./progress.ts";
import { short } from "./titles.ts";

/** The current step of a run. */
export function currentStep(now: Progress): string {
  switch (now.phase) {
    case "starting":
      return t("run.reading");
    case "measuring":
      return t("run.measuring");
    case "scoring":
      return t("run.scoring");
    case "packing":
      return t("run.packing");
    case "finished":
      return t("run.finished");
    case "stopped":
      return t("run.stopped");
    case "failed":
      return t("run.failed");
  }
  const preparing = now.approaches.find((approach) => approach.preparing);
  if (preparing) return t("run.preparing", { approach: short(preparing.name) });
  if (!now.current) return t("run.training");
  const { approach, fold } = now.current;
  const unit = now.approaches
    .find((one) => one.name === approach)
    ?.units.find((unit) => unit.fold === fold);
  const epoch = unit?.curve.at(-1);
  const step = { approach: short(approach), fold: foldWords(now, fold) };
  if (!epoch || !unit?.planned) return t("run.step", step);
  return t("run.stepEpoch", { ...step, epoch: epoch.epoch, planned: unit.planned });
}

/** The text for screen readers, without the details that change all the time. */
export function spoken(now: Progress): string {
  if (now.phase !== "training") return currentStep(now);
  if (!now.current) return "";
  const { approach, fold } = now.current;
  return t("run.spoken", { fold: foldWords(now, fold), approach: short(approach) });
}

/** A fold, or the final fit: "fold 1" is numbered, others have the name of a group. */
export function foldTitle(name: string): string {
  if (name === FINAL) return t("common.finalFit");
  const number = /^fold (\d+)$/.exec(name)?.[1];
  return number ? t("common.foldNumber", { number }) : name;
}

function foldWords(now: Progress, fold: string): string {
  if (fold === FINAL) return t("run.finalFit");
  const number = now.folds.indexOf(fold) + 1;
  const plain = /^(fold )?\d+$/.test(fold);
  const all = now.folds.length;
  return plain ? t("run.fold", { number, all }) : t("run.foldNamed", { number, all, name: fold });
}

/** The state of a unit, for screen readers. */
export function unitWords(unit: Unit): string {
  if (isFinished(unit)) return t("unit.finished");
  return unit.state === "training" ? t("unit.training") : t("unit.waiting");
}
