"""Trials at work: every choice of settings on the inner folds, and no other picture."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.metrics import losses
from bakeoff.record.events import EpochEnded, Event
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import EpochRecord, UnitRecord
from bakeoff.record.study import TrialFold, TrialRecord
from bakeoff.tune.study import Asked, Study
from bakeoff.workers.cost import one_picture_ms
from bakeoff.workers.data import TrainingData
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import HELD_OUT, FitUnit, Unit

__all__ = ["Trials", "judged_unit"]


@dataclass
class _Running:
    """One trial, and how far it has come."""

    approach: str
    asked: Asked
    folds: list[TrialFold] = field(default_factory=list)
    losses: list[NDArray[np.floating[Any]]] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)
    curve: list[EpochRecord] = field(default_factory=list)
    last: UnitRecord | None = None
    seconds: float = 0.0
    percent: int = 0


class Trials:
    """What is left to try; see `Work`.

    The fits of a trial follow each other, so that a hopeless one is left off before the next; all
    trials of an approach begin from the same weights and see the same batches, fold by fold.

    Parameters
    ----------
    studies : by approach.
    data : of which the folds are the inner ones.
    folder : where units go while they are needed.
    until : the moment, by `time.monotonic`, after which no trial is begun; None: never.
    on_trial : called with the approach and what came of each trial.
    """

    def __init__(
        self,
        studies: Mapping[str, Study],
        data: TrainingData,
        folder: RunFolder,
        *,
        until: float | None,
        on_trial: Callable[[str, TrialRecord], None],
        on_epoch: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        self._studies = studies
        self._data = data
        self._folder = folder
        self._until = until
        self._on_trial = on_trial
        self._on_epoch = on_epoch
        self._inner = list(data.folds)
        self._running: dict[str, _Running] = {}
        self._between: deque[str] = deque()  # of two fits

    def left(self) -> int:
        return len(self._between) + sum(study.waiting() for study in self._open().values())

    def _open(self) -> Mapping[str, Study]:
        late = self._until is not None and time.monotonic() > self._until
        return {} if late else self._studies

    def next(self, last: str | None) -> Unit | None:
        if self._between:
            return self._unit(self._between.popleft())
        order = sorted(
            self._open(), key=lambda name: (name != last, -self._studies[name].waiting())
        )
        for name in order:
            asked = self._studies[name].ask()
            if asked is not None:
                key = f"{name} {asked.number}"
                self._running[key] = _Running(name, asked)
                return self._unit(key)
        return None

    def _unit(self, key: str) -> FitUnit:
        one = self._running[key]
        fold = self._inner[len(one.folds)]
        one.curve = []
        name = f"trial {one.asked.number} {fold}"
        # What an interrupted trial left is of other settings, or of half of these.
        shutil.rmtree(self._folder.unit(one.approach, name), ignore_errors=True)
        return FitUnit(one.approach, name, fold, one.asked.settings)

    def _of(self, unit: Unit) -> tuple[str, _Running]:
        key = f"{unit.approach} {unit.name.split()[1]}"
        return key, self._running[key]

    def heard(self, unit: Unit, event: Event) -> bool:
        if not isinstance(event, EpochEnded):
            return False
        _, one = self._of(unit)
        study = self._studies[unit.approach]
        study.beat([other.asked for other in self._running.values()])
        one.curve.append(EpochRecord.of(event))
        if one.curve[-1].validation_loss is None:
            return False
        done = len(one.folds) + event.number / event.of
        percent = round(100 * done / len(self._inner))
        if percent <= one.percent:  # as of the last epoch, where there are more than a hundred
            return False
        one.percent = percent
        self._on_epoch(unit.approach, one.asked.number, one.percent)
        so_far = [fold.loss for fold in one.folds if fold.loss is not None]
        value = float(np.mean([*so_far, one.curve[-1].validation_loss]))
        return study.hopeless(one.asked, value, one.percent)

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        assert isinstance(unit, FitUnit)
        key, one = self._of(unit)
        if error is not None:
            self._finish(key, "failed", f"{error.subject}: {error.problem}")
            return
        if stopped:
            one.folds.append(
                TrialFold(
                    name=unit.fold, accuracy=None, loss=None, best_epoch=None, curve=one.curve
                )
            )
            why = f"left off after {one.percent} % of its work: half of the others did better"
            self._finish(key, "pruned", why)
            return
        record, loss, right = judged_unit(self._folder, self._data, unit.approach, unit.name)
        one.losses.append(loss)
        one.right.append(right)
        one.seconds += record.seconds
        one.last = record
        one.folds.append(
            TrialFold(
                name=unit.fold,
                accuracy=float(right.mean()),
                loss=float(loss.mean()),
                best_epoch=record.best_epoch,
                curve=record.curve,
            )
        )
        if len(one.folds) < len(self._inner):
            self._between.append(key)
        else:
            self._finish(key, "finished", None, self._latency(unit))
        shutil.rmtree(self._folder.unit(unit.approach, unit.name))

    def _latency(self, unit: FitUnit) -> float:
        """Milliseconds for one picture, by the model of the last fit."""
        approach = self._data.config.approach(unit.approach).build(unit.settings)
        model = load_model(self._folder, approach, unit.name)
        picture = self._data.dataset.pictures[int(self._data.rows[0])]
        return one_picture_ms(model, picture)

    def _finish(
        self, key: str, state: Any, why: str | None, latency_ms: float | None = None
    ) -> None:
        one = self._running.pop(key)
        loss = np.concatenate(one.losses) if one.losses else np.empty(0)
        right = np.concatenate(one.right) if one.right else np.empty(0, np.bool_)
        whole = state == "finished"
        record = TrialRecord(
            number=one.asked.number,
            state=state,
            why=why,
            settings=one.asked.settings,
            accuracy=float(right.mean()) if whole else None,
            loss=float(loss.mean()) if whole else None,
            latency_ms=latency_ms,
            bytes=one.last.bytes if one.last else None,
            parameters=one.last.parameters if one.last else None,
            seconds=one.seconds + sum(epoch.seconds for epoch in one.curve if not whole),
            folds=one.folds,
        )
        told: Sequence[Any] = (loss, right) if whole else ()
        self._studies[one.approach].tell(one.asked, record, *told)
        self._on_trial(one.approach, record)


def judged_unit(
    folder: RunFolder, data: TrainingData, approach: str, name: str
) -> tuple[UnitRecord, NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """A finished unit, and of each picture it held out the loss and whether it was right."""
    record, arrays = folder.load_unit(approach, name)
    rows, logits, _ = (arrays[key] for key in HELD_OUT)
    labels = data.dataset.labels[rows]
    return (
        record,
        losses(softmax(logits, record.temperature), labels),
        logits.argmax(1) == labels,
    )
