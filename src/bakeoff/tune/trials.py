"""Running trials: every choice of settings is trained and scored on the inner folds only."""

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
from bakeoff.said import say
from bakeoff.tune.study import Claim, Study
from bakeoff.workers.cost import one_picture_ms
from bakeoff.workers.data import TrainingData
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import HELD_OUT, FitUnit, Unit

__all__ = ["Trials", "scored_unit"]


@dataclass
class _Running:
    """A running trial and its progress."""

    approach: str
    claim: Claim
    folds: list[TrialFold] = field(default_factory=list)
    losses: list[NDArray[np.floating[Any]]] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)
    curve: list[EpochRecord] = field(default_factory=list)
    last: UnitRecord | None = None
    seconds: float = 0.0
    percent: int = 0


class Trials:
    """The trials left to do; see `Work`.

    The fits of a trial run one after the other, so that it can be pruned in between; all trials of
    an approach start from the same weights and use the same batches, fold by fold.

    Parameters
    ----------
    studies : by approach.
    data : its folds are the inner ones.
    folder : for units while they are needed.
    until : the time, by `time.monotonic`, after which no trial starts; None: never.
    on_trial : called with the approach and the record of each trial that ends.
    on_epoch : called with the approach, the trial and its progress in percent.
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
        self._between_fits: deque[str] = deque()

    def left(self) -> int:
        return len(self._between_fits) + sum(study.waiting() for study in self._open().values())

    def _open(self) -> Mapping[str, Study]:
        late = self._until is not None and time.monotonic() > self._until
        return {} if late else self._studies

    def next(self, last: str | None) -> Unit | None:
        if self._between_fits:
            return self._unit(self._between_fits.popleft())
        order = sorted(
            self._open(), key=lambda name: (name != last, -self._studies[name].waiting())
        )
        for name in order:
            claim = self._studies[name].ask()
            if claim is not None:
                key = f"{name} {claim.number}"
                self._running[key] = _Running(name, claim)
                return self._unit(key)
        return None

    def _unit(self, key: str) -> FitUnit:
        running = self._running[key]
        fold = self._inner[len(running.folds)]
        running.curve = []
        name = f"trial {running.claim.number} {fold}"
        # An interrupted trial may have left a unit with other settings, or an incomplete one.
        shutil.rmtree(self._folder.unit(running.approach, name), ignore_errors=True)
        return FitUnit(running.approach, name, fold, running.claim.settings)

    def _of(self, unit: Unit) -> tuple[str, _Running]:
        key = f"{unit.approach} {unit.name.split()[1]}"
        return key, self._running[key]

    def give_back(self) -> None:
        """Give up all trials in progress, so that other processes need not wait for them."""
        for running in self._running.values():
            self._studies[running.approach].give_back(running.claim)
        self._running.clear()
        self._between_fits.clear()

    def heard(self, unit: Unit, event: Event) -> bool:
        if not isinstance(event, EpochEnded):
            return False
        _, running = self._of(unit)
        study = self._studies[unit.approach]
        study.heartbeat([running.claim for running in self._running.values()])
        running.curve.append(EpochRecord.of(event))
        if running.curve[-1].validation_loss is None:
            return False
        done = len(running.folds) + event.number / event.of
        percent = round(100 * done / len(self._inner))
        if percent <= running.percent:  # unchanged, if there are more than a hundred epochs
            return False
        running.percent = percent
        self._on_epoch(unit.approach, running.claim.number, running.percent)
        so_far = [fold.loss for fold in running.folds if fold.loss is not None]
        value = float(np.mean([*so_far, running.curve[-1].validation_loss]))
        return study.should_prune(running.claim, value, running.percent)

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        assert isinstance(unit, FitUnit)
        key, running = self._of(unit)
        if error is not None:
            self._finish(key, "failed", f"{error.subject}: {error.problem}")
            return
        if stopped:
            running.folds.append(
                TrialFold(
                    name=unit.fold, accuracy=None, loss=None, best_epoch=None, curve=running.curve
                )
            )
            self._finish(key, "pruned", say("trial.pruned", percent=running.percent))
            return
        record, loss, right = scored_unit(self._folder, self._data, unit.approach, unit.name)
        running.losses.append(loss)
        running.right.append(right)
        running.seconds += record.seconds
        running.last = record
        running.folds.append(
            TrialFold(
                name=unit.fold,
                accuracy=float(right.mean()),
                loss=float(loss.mean()),
                best_epoch=record.best_epoch,
                curve=record.curve,
            )
        )
        if len(running.folds) < len(self._inner):
            self._between_fits.append(key)
        else:
            self._finish(key, "finished", None, self._latency(unit))
        shutil.rmtree(self._folder.unit(unit.approach, unit.name))

    def _latency(self, unit: FitUnit) -> float:
        """Milliseconds per picture with the model of the last fit."""
        approach = self._data.config.approach(unit.approach).build(unit.settings)
        model = load_model(self._folder, approach, unit.name)
        picture = self._data.dataset.pictures[int(self._data.rows[0])]
        return one_picture_ms(model, picture)

    def _finish(
        self, key: str, state: Any, why: str | None, latency_ms: float | None = None
    ) -> None:
        running = self._running.pop(key)
        loss = np.concatenate(running.losses) if running.losses else np.empty(0)
        right = np.concatenate(running.right) if running.right else np.empty(0, np.bool_)
        whole = state == "finished"
        record = TrialRecord(
            number=running.claim.number,
            state=state,
            why=why,
            settings=running.claim.settings,
            accuracy=float(right.mean()) if whole else None,
            loss=float(loss.mean()) if whole else None,
            latency_ms=latency_ms,
            bytes=running.last.bytes if running.last else None,
            parameters=running.last.parameters if running.last else None,
            seconds=running.seconds + sum(epoch.seconds for epoch in running.curve if not whole),
            folds=running.folds,
        )
        scores: Sequence[Any] = (loss, right) if whole else ()
        self._studies[running.approach].tell(running.claim, record, *scores)
        self._on_trial(running.approach, record)


def scored_unit(
    folder: RunFolder, data: TrainingData, approach: str, name: str
) -> tuple[UnitRecord, NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """A finished unit, and for each held-out picture the loss and whether it is right."""
    record, arrays = folder.load_unit(approach, name)
    rows, logits, _ = (arrays[key] for key in HELD_OUT)
    labels = data.dataset.labels[rows]
    return (
        record,
        losses(softmax(logits, record.temperature), labels),
        logits.argmax(1) == labels,
    )
