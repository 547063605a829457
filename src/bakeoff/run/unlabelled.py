"""What pictures without a label say of the accuracy: the models of all folds look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bakeoff.data.new_labels import gives_labels, unlabelled_rows
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read_as_found
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.kind import of_another_kind
from bakeoff.evaluation.powered import powered
from bakeoff.record.folder import RunFolder
from bakeoff.run.plan import Plan
from bakeoff.scoring.scored import Scored, out_of_fold_sampling
from bakeoff.workers.runner import load_model

__all__ = ["with_unlabelled"]

MOST = 2_000  # of many thousand, these say nearly as much


def with_unlabelled(folder: RunFolder, plan: Plan, scored: Sequence[Scored]) -> list[Scored]:
    """The same, with prediction-powered intervals if the run has unlabelled pictures and folds.

    Not if the pictures without a label are of another kind, as far as the OOD score can say, nor
    if some of them were chosen to be labelled: the labelled ones are then harder than the others.
    """
    config = plan.config
    if config.unlabelled is None or gives_labels(config.corrections) or not plan.parts.folds:
        return list(scored)
    more = read_as_found(config.unlabelled, need_labels=False)
    rows = np.array(unlabelled_rows(more), dtype=np.int64)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST, replace=False))
    if not len(rows):
        return list(scored)
    pictures = more.pictures.take(rows)
    return [_with_powered(folder, plan, one, pictures) for one in scored]


def _with_powered(folder: RunFolder, plan: Plan, one: Scored, pictures: Pictures) -> Scored:
    if one.out_of_fold is None or one.probabilities is None or one.answered.fixed:
        return one
    if one.pseudo is not None and one.pseudo.used:
        return one  # its models were trained on the pictures without a label
    approach, folds = plan.config.approach(one.name).build(), plan.parts.folds
    confidence = np.zeros(len(pictures))
    for fold, (record, arrays) in zip(folds, one.answered.folds, strict=True):
        logits, ood_score = load_model(folder, approach, fold.name).judge(pictures, plan.compute)
        if of_another_kind(ood_score, arrays["ood_score"], among=len(folds)):
            return one
        confidence += softmax(logits, record.temperature).max(axis=1) / len(folds)
    labelled = one.probabilities.max(axis=1).astype(np.float64)
    found = powered(one.correct, labelled, confidence, out_of_fold_sampling(plan.parts))
    return replace(one, out_of_fold=replace(one.out_of_fold, powered=found))
