"""What training is cut into, and doing it: one fit of one approach, seeded by its name."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import nn

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.split import Fold, Split
from bakeoff.evaluation.calibration import fit_temperature
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import EpochRecord, UnitRecord
from bakeoff.run.estimate import estimate_seconds
from bakeoff.training.fit import Epoch
from bakeoff.training.model import Model, Network
from bakeoff.workers.data import TrainingData

__all__ = [
    "FINAL",
    "FINISHED",
    "HELD_OUT",
    "VALIDATION",
    "Listener",
    "Stopped",
    "Tell",
    "Unit",
    "UnitRunner",
    "load_model",
]

Listener = Callable[[Mapping[str, object]], None]

FINAL = "final"
# What is told of a unit when it is kept.
FINISHED = ("unit finished", "pictures changed", "graph traced")
# Arrays of a unit: rows of the dataset, N×K logits and N strangenesses.
HELD_OUT = ("rows", "logits", "ood_score")
VALIDATION = ("validation_rows", "validation_logits", "validation_ood_score")


class Tell(Protocol):
    """Takes what happens, as it happens; may raise `Stopped` to have the unit left off."""

    def __call__(self, kind: str, /, **details: object) -> object: ...


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Somebody wants no more of the unit at hand."""


@dataclass(frozen=True)
class Unit:
    """One fit, as it is handed to a worker; all of it is plain enough for JSON.

    Attributes
    ----------
    approach : by name.
    fold : by name, of the folds that the worker has (see `TrainingData`); its seed hangs on it.
    name : under which it is kept.
    settings : of the approach, over those of the request.
    kind : "fit"; "changed" to ask the fold's model about changed pictures; "graph" to trace it.
    schedule_for, stop_after, temperature : see `Trainer.fit`.
    """

    approach: str
    fold: str
    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    kind: Literal["fit", "changed", "graph"] = "fit"
    schedule_for: int | None = None
    stop_after: int | None = None
    temperature: float | None = None

    @classmethod
    def of(cls, approach: str, fold: Fold) -> Unit:
        """The plain fit of an approach on a fold."""
        return cls(approach, fold.name, fold.name)


class UnitRunner:
    """One approach at work on one dataset; what all folds share is made once.

    Parameters
    ----------
    approach, data : what is trained, and on what.
    folder : where finished units go.
    tell : called with all that happens.
    """

    def __init__(
        self, approach: Approach, data: TrainingData, folder: RunFolder, tell: Tell
    ) -> None:
        self.approach = approach
        self.data = data
        self.folder = folder
        self.tell = tell
        config, dataset, rows = data.config, data.dataset, data.rows
        pictures = dataset.pictures.take(rows)
        self.trainer = Trainer(
            approach,
            Task.of(pictures, len(dataset.classes), config.mode, config.budget),
            pictures,
            dataset.labels[rows],
            data.compute,
            seed=config.seed,
            on_prepare=lambda: self._tell("preparing"),
        )

    def estimate(self, parts: Split, *, smaller: Sequence[Fold] = (), asked: int = 0) -> float:
        """Seconds until all is trained and scored, what is on disk already left out.

        Parameters
        ----------
        smaller : the folds of the learning curve.
        asked : how many pictures there are to answer for, beside those that score.
        """
        left = [
            fold
            for fold in (*parts.folds, *smaller, parts.final)
            if not self.folder.has_unit(self.approach.name, fold.name)
        ]
        if not left:
            return 0.0
        scored = sum(len(fold.held_out) for fold in left) + len(parts.test) + asked
        return estimate_seconds(self.trainer, [len(fold.train) for fold in left], scored)

    def final(self, parts: Split) -> Unit:
        """The fit on everything, with the number of epochs and temperature the folds found.

        Without folds an inner validation slice finds them, as it does in a fold.
        """
        unit = Unit.of(self.approach.name, parts.final)
        if not parts.folds:
            return unit
        kept = [self.folder.load_unit(self.approach.name, fold.name) for fold in parts.folds]
        logits = np.concatenate([arrays["logits"] for _, arrays in kept])
        rows = np.concatenate([arrays["rows"] for _, arrays in kept])
        return replace(
            unit,
            schedule_for=round(float(np.median([len(fold.train) for fold in parts.folds]))),
            stop_after=round(float(np.median([record.best_epoch for record, _ in kept]))),
            temperature=fit_temperature(logits, self.data.dataset.labels[rows]),
        )

    def keeps(self, name: str) -> bool:
        """Whether a unit is finished; if so, that is told."""
        if not self.folder.has_unit(self.approach.name, name):
            return False
        _, arrays = self.folder.load_unit(self.approach.name, name)
        accuracy = self._accuracy(arrays["logits"], arrays["rows"])
        self._tell("unit kept", fold=name, accuracy=accuracy)
        return True

    def train(self, unit: Unit) -> None:
        """Do a unit and keep it, whole: trained on its fold, with what that held out predicted.

        Raises
        ------
        Stopped
            It was left off, and nothing of it is kept.
        """
        fold = self.data.folds[unit.fold]
        self._tell("unit started", fold=unit.name)
        started = time.perf_counter()
        rows = self.data.rows
        with PeakMemory() as memory:
            trained = self.trainer.fit(
                unit.fold,
                train=np.searchsorted(rows, fold.train),
                validation=np.searchsorted(rows, fold.validation),
                schedule_for=unit.schedule_for,
                stop_after=unit.stop_after,
                temperature=unit.temperature,
                on_epoch=lambda epoch: self._tell("epoch", fold=unit.name, **vars(epoch)),
            )
            logits, ood_score = self._judged(trained.model, fold.held_out)
            arrays: dict[str, NDArray[Any]] = dict(
                zip(HELD_OUT, (fold.held_out, logits, ood_score), strict=True)
            )
            if not len(fold.held_out) and unit.temperature is None:
                # Without folds, those that chose the temperature must choose thresholds too.
                judged = self._judged(trained.model, fold.validation)
                arrays |= zip(VALIDATION, (fold.validation, *judged), strict=True)
        network = trained.fitted.network.cpu()
        weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
        record = UnitRecord(
            fold=unit.name,
            task=vars(self.trainer.task),
            best_epoch=trained.fitted.best_epoch,
            temperature=trained.temperature,
            parameters=parameters_of(trained.model),
            bytes=4 * parameters_of(trained.model),
            seconds=time.perf_counter() - started,
            peak_memory_mb=memory.peak_mb,
            curve=[_epoch_record(epoch) for epoch in trained.fitted.curve],
        )
        self.folder.save_unit(self.approach.name, unit.name, record, arrays, weights)
        self._tell(
            "unit finished",
            fold=unit.name,
            seconds=record.seconds,
            best_epoch=record.best_epoch,
            accuracy=self._accuracy(logits, fold.held_out),
        )

    def model(self, fold: str = FINAL) -> Model:
        """The trained model of a finished unit, from its weights on disk."""
        network = _network_of(self.folder, self.approach, fold, self.trainer.task)
        record, _ = self.folder.load_unit(self.approach.name, fold)
        return self.trainer.assemble(network, record.temperature)

    def _judged(
        self, model: Model, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return model.judge(self.data.dataset.pictures.take(rows), self.data.compute)

    def _accuracy(self, logits: NDArray[np.float32], rows: NDArray[np.int64]) -> float | None:
        if not len(rows):
            return None
        return float((logits.argmax(1) == self.data.dataset.labels[rows]).mean())

    def _tell(self, kind: str, **details: object) -> None:
        self.tell(kind, approach=self.approach.name, **details)


def load_model(folder: RunFolder, approach: Approach, name: str) -> Model:
    """The trained model of a finished unit, from what is on disk alone."""
    record, _ = folder.load_unit(approach.name, name)
    task = Task(**record.task)
    network = _network_of(folder, approach, name, task)
    model = Model(approach.preprocess(task), approach.frozen(task), network, record.temperature)
    return model.eval()


def _network_of(folder: RunFolder, approach: Approach, name: str, task: Task) -> Network:
    """What a finished unit trained, from its weights on disk."""
    network = approach.build(task)
    weights = load_file(folder.unit(approach.name, name) / "weights.safetensors")
    # Runs before schema 2 called the OOD score's module `familiar`.
    network.load_state_dict(
        {re.sub(r"^familiar\.", "ood.", key): value for key, value in weights.items()}
    )
    return network


class PeakMemory:
    """The most memory this process held while the block ran, sampled 20 times a second."""

    def __enter__(self) -> PeakMemory:
        self.peak_mb = 0.0
        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self._process.memory_info().rss / 2**20)
            if self._done.wait(0.05):
                return


def parameters_of(model: nn.Module) -> int:
    """Learned numbers of a model, frozen ones included."""
    return sum(parameter.numel() for parameter in model.parameters())


def _epoch_record(epoch: Epoch) -> EpochRecord:
    values = vars(epoch)
    return EpochRecord(
        epoch=epoch.number,
        **{key: values[key] for key in EpochRecord.model_fields if key != "epoch"},
    )
