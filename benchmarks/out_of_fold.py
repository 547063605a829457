"""One approach on five folds of a set, for the benchmarks that compare accuracies and seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Fold
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.metrics import losses
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import config_of
from bakeoff.run.plan import Plan
from bakeoff.workers.runner import UnitRunner

STYLES = {"group": "^[a-z]+", "leave_one_group_out": True}  # of the drawings


@dataclass(frozen=True)
class OutOfFold:
    """What one approach got right with one seed, and what that took.

    Attributes
    ----------
    pictures : how many were learned from and predicted.
    right : share of each fold.
    accuracy, loss : over all of them.
    preparing, fitting : seconds of processor time: what all fits share, and five folds with the
        final fit.
    """

    pictures: int
    right: list[float]
    accuracy: float
    loss: float
    preparing: float
    fitting: float


def out_of_fold(source: str | Dataset, name: str, options: Mapping[str, Any]) -> OutOfFold:
    """Train an approach on each fold, in this process and on one thread.

    Parameters
    ----------
    options : further options of `bakeoff.run.bake.bake`.
    """
    config = config_of(source, approaches=[name], threads=1, precision="fp32", **options)
    plan = Plan.of(config, source)
    with tempfile.TemporaryDirectory() as folder:
        (runner,) = plan.runners(RunFolder(Path(folder)), lambda _: None)
        started = time.process_time()
        _ = runner.trainer.source
        preparing = time.process_time() - started
        answers = [_answers(runner, plan, fold) for fold in plan.parts.folds]
        started = time.process_time()
        final = _fold(runner, plan.parts.final)
        runner.trainer.fit("final", train=_local(plan, final.train), validation=final.validation)
        fitting = sum(seconds for *_, seconds in answers) + time.process_time() - started
    right = np.concatenate([right for right, *_ in answers])
    loss = np.concatenate([loss for _, loss, _ in answers])
    by_fold = [float(right.mean()) for right, *_ in answers]
    accuracy, mean_loss = float(right.mean()), float(loss.mean())
    return OutOfFold(len(plan.data.rows), by_fold, accuracy, mean_loss, preparing, fitting)


def _answers(runner: UnitRunner, plan: Plan, fold: Fold) -> tuple[Any, Any, float]:
    started = time.process_time()
    used = _fold(runner, fold)
    train, validation = _local(plan, used.train), _local(plan, used.validation)
    trained = runner.trainer.fit(fold.name, train=train, validation=validation)
    seconds = time.process_time() - started
    pictures = plan.dataset.pictures.take(fold.held_out)
    probabilities = softmax(trained.model.logits_of(pictures, plan.compute), trained.temperature)
    labels = plan.dataset.labels[fold.held_out]
    return probabilities.argmax(1) == labels, losses(probabilities, labels), seconds


def _fold(runner: UnitRunner, fold: Fold) -> Fold:
    return (
        fold if runner.approach.validates or not len(fold.held_out) else fold.without_validation()
    )


def _local(plan: Plan, rows: Any) -> Any:
    return np.searchsorted(plan.data.rows, rows)
