"""Training one approach, unit by unit, each written whole to the run when it is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import nn

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Fold, Split
from bakeoff.evaluation.calibration import fit_temperature
from bakeoff.record.folder import Request, RunFolder
from bakeoff.record.results import EpochRecord, UnitRecord
from bakeoff.run.estimate import estimate_seconds
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Epoch
from bakeoff.training.model import Model

__all__ = ["CHOOSERS", "FINAL", "HELD_OUT", "Listener", "Workbench"]

Listener = Callable[[Mapping[str, object]], None]

FINAL = "final"
# Arrays of a unit: rows of the dataset, N×K logits and N strangenesses.
HELD_OUT = ("rows", "logits", "strangeness")
CHOOSERS = ("chooser_rows", "chooser_logits", "chooser_strangeness")


class Workbench:
    """One approach at work on one dataset; what all folds share is made once.

    Parameters
    ----------
    approach, dataset, compute : what is trained, on what, and where.
    rows : ascending rows of the dataset, all that a fit may ever use; the locked test part is
        none of them, and so out of reach.
    request : what was asked. Every unit derives its seed from the run's and from its own name,
        so that units can be trained in any order, or again after a crash, to the same numbers.
    folder : where finished units go.
    on_event : called with every event that is logged.
    """

    def __init__(
        self,
        approach: Approach,
        dataset: Dataset,
        rows: NDArray[np.int64],
        compute: Compute,
        request: Request,
        folder: RunFolder,
        on_event: Listener,
    ) -> None:
        self.approach = approach
        self.dataset = dataset
        self.rows = rows
        self.compute = compute
        self.request = request
        self.folder = folder
        self.on_event = on_event
        pictures = dataset.pictures.take(rows)
        self.trainer = Trainer(
            approach,
            Task.of(pictures, len(dataset.classes), request.mode, request.budget),
            pictures,
            dataset.labels[rows],
            compute,
            seed=request.seed,
            on_prepare=lambda: self._log("preparing"),
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

    def clear(self) -> None:
        """Forget what was made for training."""
        self.trainer.clear()

    def train(self, fold: Fold) -> None:
        """Train on a fold and predict what it held out, unless that was done before."""
        if not self._kept(fold.name):
            self._train(fold)

    def train_final(self, final: Fold, folds: Sequence[Fold]) -> None:
        """Train on everything, with the number of epochs and temperature the folds found.

        Without folds an inner validation slice finds them, as it does in a fold.
        """
        if self._kept(FINAL):
            return
        if not folds:
            self._train(final)
            return
        units = [self.folder.load_unit(self.approach.name, fold.name) for fold in folds]
        logits = np.concatenate([arrays["logits"] for _, arrays in units])
        rows = np.concatenate([arrays["rows"] for _, arrays in units])
        self._train(
            final,
            schedule_for=round(float(np.median([len(fold.train) for fold in folds]))),
            stop_after=round(float(np.median([record.best_epoch for record, _ in units]))),
            temperature=fit_temperature(logits, self.dataset.labels[rows]),
        )

    def model(self, fold: str = FINAL) -> Model:
        """The trained model of a finished unit, from its weights on disk."""
        network = self.approach.build(self.trainer.task)
        unit = self.folder.unit(self.approach.name, fold)
        network.load_state_dict(load_file(unit / "weights.safetensors"))
        record, _ = self.folder.load_unit(self.approach.name, fold)
        return self.trainer.assemble(network, record.temperature)

    def _kept(self, fold: str) -> bool:
        if not self.folder.has_unit(self.approach.name, fold):
            return False
        _, arrays = self.folder.load_unit(self.approach.name, fold)
        accuracy = self._accuracy(arrays["logits"], arrays["rows"])
        self._log("unit kept", fold=fold, accuracy=accuracy)
        return True

    def _judged(
        self, model: Model, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return model.judge(self.dataset.pictures.take(rows), self.compute)

    def _accuracy(self, logits: NDArray[np.float32], rows: NDArray[np.int64]) -> float | None:
        if not len(rows):
            return None
        return float((logits.argmax(1) == self.dataset.labels[rows]).mean())

    def _train(
        self,
        fold: Fold,
        *,
        schedule_for: int | None = None,
        stop_after: int | None = None,
        temperature: float | None = None,
    ) -> None:
        self._log("unit started", fold=fold.name)
        started = time.perf_counter()
        with PeakMemory() as memory:
            trained = self.trainer.fit(
                fold.name,
                train=np.searchsorted(self.rows, fold.train),
                validation=np.searchsorted(self.rows, fold.validation),
                schedule_for=schedule_for,
                stop_after=stop_after,
                temperature=temperature,
                on_epoch=lambda epoch: self._log("epoch", fold=fold.name, **vars(epoch)),
            )
            logits, strangeness = self._judged(trained.model, fold.held_out)
            arrays: dict[str, NDArray[Any]] = dict(
                zip(HELD_OUT, (fold.held_out, logits, strangeness), strict=True)
            )
            if not len(fold.held_out) and temperature is None:
                # Without folds, those that chose the temperature must choose thresholds too.
                judged = self._judged(trained.model, fold.validation)
                arrays |= zip(CHOOSERS, (fold.validation, *judged), strict=True)
        network = trained.fitted.network.cpu()
        weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
        record = UnitRecord(
            fold=fold.name,
            task=vars(self.trainer.task),
            best_epoch=trained.fitted.best_epoch,
            temperature=trained.temperature,
            parameters=parameters_of(trained.model),
            bytes=4 * parameters_of(trained.model),
            seconds=time.perf_counter() - started,
            peak_memory_mb=memory.peak_mb,
            curve=[_epoch_record(epoch) for epoch in trained.fitted.curve],
        )
        self.folder.save_unit(
            self.approach.name,
            fold.name,
            record,
            arrays,
            weights,
        )
        self._log(
            "unit finished",
            fold=fold.name,
            seconds=record.seconds,
            best_epoch=record.best_epoch,
            accuracy=self._accuracy(logits, fold.held_out),
        )

    def _log(self, kind: str, **details: object) -> None:
        self.on_event(self.folder.log(kind, approach=self.approach.name, **details))


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
