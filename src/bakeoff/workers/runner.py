"""One approach at work: fits on folds, each seeded by its name, and the models they leave."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import nn

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.trainer import Trained, Trainer, eye_of
from bakeoff.data.split import Fold, Split
from bakeoff.evaluation.calibration import fit_temperature
from bakeoff.record.events import EpochEnded, Preparing, UnitFinished, UnitKept, UnitStarted
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import EpochRecord, UnitRecord
from bakeoff.training.eye import Sights, other_drawings, redrawn
from bakeoff.training.fit import Epoch
from bakeoff.training.graph_body import GraphBody
from bakeoff.training.model import Look, Model, Network
from bakeoff.training.ood import CosineOOD, MahalanobisOOD, NearestOOD, SketchOOD
from bakeoff.workers.data import TrainingData
from bakeoff.workers.estimate import Prediction, Speed
from bakeoff.workers.units import FINAL, HELD_OUT, PROBES, VALIDATION, FitUnit, Tell

__all__ = ["OnEpoch", "UnitRunner", "load_model", "parameters_of"]

OnEpoch = Callable[[Epoch], None]

PROBED = 60  # pictures of a fold that are drawn with each pen
PACKING = 1.0  # seconds to trace a graph whose architecture is known, score, and make a bundle


class UnitRunner:
    """One approach at work on one dataset; what all folds share is made once.

    Parameters
    ----------
    approach, data : what is trained, and on what.
    folder : where finished units go.
    tell : called with all that happens.
    sights : shared by the runners of one worker, see `Trainer`.
    """

    def __init__(
        self,
        approach: Approach,
        data: TrainingData,
        folder: RunFolder,
        tell: Tell,
        sights: dict[int, Sights] | None = None,
    ) -> None:
        self.approach = approach
        self.data = data
        self.folder = folder
        self.tell = tell
        self._others: list[Look] | None = None  # at other drawings, the same for all fits
        self.trainer = Trainer(
            approach,
            data.task,
            data.dataset.pictures.take(data.rows),
            data.dataset.labels[data.rows],
            data.compute,
            seed=data.config.seed,
            classes=data.dataset.classes,
            on_prepare=lambda: self.tell(Preparing(approach=approach.name)),
            sights=sights,
        )

    @cached_property
    def _with_unlabelled(self) -> Trainer:
        """Of the labelled pictures and then those without a label, whose inputs are made once."""
        plain, more = self.trainer, self.data.unlabelled
        both = Trainer(
            self.approach,
            self.data.task,
            plain.pictures.with_more(more),
            np.concatenate([plain.labels, np.zeros(len(more), dtype=np.int64)]),
            self.data.compute,
            seed=self.data.config.seed,
            classes=self.data.dataset.classes,
            on_prepare=plain.on_prepare,
        )
        # The rows of labelled pictures are the same, and the OOD score learns from these alone.
        both.frozen, both.eye, both.sights = plain.frozen, plain.eye, plain.sights
        return both

    def trainer_with(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> tuple[Trainer, int]:
        """A trainer that has labels for pictures without one too, and the row of the first of them.

        Parameters
        ----------
        rows, labels : of pictures in `TrainingData.unlabelled`.
        """
        both, first = self._with_unlabelled, len(self.trainer.pictures)
        every = both.labels.copy()
        every[first + rows] = labels
        return both.labelled(every), first

    def predict(
        self,
        parts: Split,
        *,
        smaller: Sequence[Fold] = (),
        answers: Mapping[str, int] | None = None,
    ) -> Prediction:
        """How long all that is not on disk yet will take; a probe takes about a second.

        Parameters
        ----------
        smaller : the folds of the learning curve.
        answers : how many corrupted pictures the model of each fold is to answer.
        """
        name = self.approach.name
        every = (*parts.folds, *smaller, parts.final)
        left = [fold for fold in every if not self.folder.has_unit(name, fold.name)]
        if not left and not answers:
            return Prediction({})
        speed = Speed.of(self.trainer, max(len(fold.train) for fold in every))
        return Prediction(
            units={fold.name: speed.fit(self.trainer, fold) for fold in left},
            preparing=speed.preparing * len(self.trainer.pictures) if left else 0.0,
            answering={fold: speed.scoring * count for fold, count in (answers or {}).items()},
            packing=PACKING if left else 0.0,
        )

    def final(self, parts: Split) -> FitUnit:
        """The fit on everything, with the number of epochs and the temperature of the folds.

        Without folds an inner validation slice chooses them, as it does in a fold.
        """
        unit = FitUnit.of(self.approach.name, parts.final)
        if not parts.folds:
            return unit
        return replace(unit, **self.as_in({fold.name: fold for fold in parts.folds}))

    def as_in(self, units: Mapping[str, Fold]) -> dict[str, Any]:
        """The schedule, the last epoch and the temperature for a fit on all that folds share.

        Parameters
        ----------
        units : each fold, by the name of its finished fit.
        """
        kept = [self.folder.load_unit(self.approach.name, unit) for unit in units]
        logits = np.concatenate([arrays["logits"] for _, arrays in kept])
        rows = np.concatenate([arrays["rows"] for _, arrays in kept])
        sizes = [
            len(fold.train) + record.pseudo_labels
            for fold, (record, _) in zip(units.values(), kept, strict=True)
        ]
        return {
            "schedule_for": round(float(np.median(sizes))),
            "stop_after": round(float(np.median([record.best_epoch for record, _ in kept]))),
            "temperature": fit_temperature(logits, self.data.dataset.labels[rows]),
        }

    def keeps(self, name: str) -> bool:
        """Whether a fit is finished; if so, an event says so."""
        if not self.folder.has_unit(self.approach.name, name):
            return False
        self.tell(UnitKept(approach=self.approach.name, fold=name, accuracy=self.accuracy_of(name)))
        return True

    def accuracy_of(self, name: str) -> float | None:
        """On what a finished fit held out; None if that is nothing."""
        _, arrays = self.folder.load_unit(self.approach.name, name)
        return self._accuracy(arrays["logits"], arrays["rows"])

    def fit(self, unit: FitUnit) -> None:
        """Train on a fold, predict what it held out, and keep both.

        Raises
        ------
        Stopped
            It was left unfinished, and nothing of it is kept.
        """
        fold = self.fold(unit.fold)
        self.keep(
            unit,
            lambda on_epoch: self.trainer.fit(
                unit.fold,
                **self.rows_of(fold),
                schedule_for=unit.schedule_for,
                stop_after=unit.stop_after,
                temperature=unit.temperature,
                on_epoch=on_epoch,
            ),
            by_validation=unit.temperature is None,
        )

    def fold(self, name: str) -> Fold:
        """A fold as a fit of this approach uses it."""
        fold = self.data.folds[name]
        if not self.approach.validates and len(fold.held_out):
            fold = fold.without_validation()  # else its rows are kept for the thresholds
        return fold

    def rows_of(self, fold: Fold) -> dict[str, Any]:
        """The rows of a fold to train on and to choose by, in the trainer's pictures."""
        rows = self.data.rows
        return {
            "train": np.searchsorted(rows, fold.train),
            "validation": np.searchsorted(rows, fold.validation),
        }

    def keep(
        self,
        unit: FitUnit,
        train: Callable[[OnEpoch], Trained],
        *,
        by_validation: bool,
        pseudo_labels: Callable[[], int] = lambda: 0,
    ) -> None:
        """Train, predict what the fold of a unit held out, and keep both.

        Parameters
        ----------
        train : called with what takes in each epoch.
        by_validation : the validation rows chose the temperature, if nothing is held out.
        pseudo_labels : how many pictures without a label it was trained on, asked afterwards.
        """
        of_unit: dict[str, Any] = {"approach": self.approach.name, "fold": unit.name}
        fold = self.fold(unit.fold)
        self.tell(UnitStarted(**of_unit))
        # Another unit may be at work in another thread of this process.
        cpu_time = time.thread_time if self.data.compute.threads == 1 else time.process_time
        started, on_cpu = time.perf_counter(), cpu_time()
        with PeakMemory() as memory:
            trained = train(lambda epoch: self.tell(EpochEnded(**of_unit, **vars(epoch))))
            arrays = self._predicted(trained, fold, by_validation=by_validation)
        record = UnitRecord(
            fold=unit.fold,
            task=vars(self.trainer.task),
            best_epoch=trained.fitted.best_epoch,
            temperature=trained.temperature,
            parameters=parameters_of(trained.model),
            bytes=4 * parameters_of(trained.model),
            seconds=time.perf_counter() - started,
            peak_memory_mb=memory.peak_mb,
            curve=[EpochRecord.of(epoch) for epoch in trained.fitted.curve],
            pseudo_labels=(guessed := pseudo_labels()),
        )
        # What solves a fit again knows the labelled pictures alone.
        lessons = self._lessons(trained) if unit.name == FINAL and not guessed else None
        self.folder.save_unit(
            self.approach.name, unit.name, record, arrays, _weights(trained), lessons
        )
        self.tell(
            UnitFinished(
                **of_unit,
                seconds=record.seconds,
                cpu_seconds=cpu_time() - on_cpu,
                best_epoch=record.best_epoch,
                accuracy=self._accuracy(arrays["logits"], fold.held_out),
            )
        )

    def _lessons(self, trained: Trained) -> bytes | None:
        """What solves the final fit again with more pictures; None where it cannot be."""
        lessons = self.approach.lessons(trained.model.network, self.trainer.source)
        if not lessons:
            return None
        balance = self.trainer.balance(np.arange(len(self.trainer.labels)))
        rows = torch.from_numpy(self.data.rows)
        labels = torch.from_numpy(self.trainer.labels)
        tensors = {name: tensor.contiguous() for name, tensor in lessons.items()}
        return save({**tensors, "rows": rows, "labels": labels}, {"balance": str(balance)})

    def _predicted(
        self, trained: Trained, fold: Fold, *, by_validation: bool
    ) -> dict[str, NDArray[Any]]:
        """Rows, logits and OOD scores of the pictures that did not train the model."""
        answers = self._judged(trained.model, fold.held_out)
        arrays: dict[str, NDArray[Any]] = dict(
            zip(HELD_OUT, (fold.held_out, *answers), strict=True)
        )
        if not len(fold.held_out) and by_validation:
            # Without folds, the pictures that chose the temperature must choose thresholds too.
            answers = self._judged(trained.model, fold.validation)
            arrays |= zip(VALIDATION, (fold.validation, *answers), strict=True)
            return arrays | self._probed(trained.model, fold.validation)
        return arrays | self._probed(trained.model, fold.held_out)

    def _probed(self, model: Model, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """What the model says of some of these pictures in other pens, and of other things."""
        if not isinstance(model.network.ood, SketchOOD) or not len(rows):
            return {}
        rows = rows[:: -(-len(rows) // PROBED)]
        pictures, compute = self.data.dataset.pictures.take(rows), self.data.compute
        pens = [model.judge(drawn, compute) for drawn in redrawn(pictures)]
        if self._others is None:
            others = other_drawings(self.data.dataset.classes).measured
            self._others = list(model.looks(others, compute))
        values = (
            rows,
            np.stack([logits for logits, _ in pens]),
            np.stack([ood_score for _, ood_score in pens]),
            *model.judge_looks(self._others, compute),
        )
        return dict(zip(PROBES, values, strict=True))

    def model(self, fold: str = FINAL) -> Model:
        """The trained model of a finished fit, from its weights on disk."""
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


def load_model(folder: RunFolder, approach: Approach, name: str) -> Model:
    """The trained model of a finished fit, from what is on disk alone."""
    record, _ = folder.load_unit(approach.name, name)
    task = Task(**record.task)
    network = _network_of(folder, approach, name, task)
    frozen = approach.frozen(task)
    unseen = isinstance(network.ood, MahalanobisOOD)
    eye = None if unseen else eye_of(approach, task, frozen)
    return Model(approach.preprocess(task), frozen, network, record.temperature, eye).eval()


def parameters_of(model: nn.Module) -> int:
    """Learned numbers of a model, frozen ones included, but for the eye's: it gives no answer."""
    named = (each for each in model.named_parameters() if not each[0].startswith("eye."))
    graphs = sum(each.learned for each in model.modules() if isinstance(each, GraphBody))
    return graphs + sum(parameter.numel() for _, parameter in named)


def _network_of(folder: RunFolder, approach: Approach, name: str, task: Task) -> Network:
    """What a finished fit trained, from its weights on disk."""
    network = approach.build(task)
    weights = load_file(folder.unit(approach.name, name) / "weights.safetensors")
    # Runs before schema 2 called the OOD score's module `familiar`.
    weights = {re.sub(r"^familiar\.", "ood.", key): value for key, value in weights.items()}
    weights = {**network.blanks.state_dict(prefix="blanks."), **weights}  # older runs have none
    ood = {key[4:]: value for key, value in weights.items() if key.startswith("ood.")}
    if "ratio.origin" in ood:
        network.ood = SketchOOD.like(ood)
    elif "prototypes" in ood:
        network.ood = CosineOOD.like(ood)
    near = {key[5:]: value for key, value in weights.items() if key.startswith("near.")}
    if near:
        network.near = NearestOOD.like(near)
    network.load_state_dict(weights)
    return network


def _weights(trained: Trained) -> bytes:
    """The trained part of a model as a safetensors file."""
    network = trained.fitted.network.cpu()
    return save({name: value.contiguous() for name, value in network.state_dict().items()})


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
