"""What a worker needs to train any unit of a run: shipped once, wherever the worker is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.approaches.approach import Task
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.split import Fold
from bakeoff.record.config import RunConfig
from bakeoff.training.compute import Compute

__all__ = ["TrainingData"]

Rows = NDArray[np.int64]

DOCUMENT = "data.json"


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The pictures, the folds, and how the arithmetic is to be done.

    Attributes
    ----------
    dataset : of which a worker uses nothing but `rows`.
    rows : ascending rows of the dataset, all that a fit may ever use; the locked test part is
        none of them.
    folds : by name; their rows are those of the dataset.
    corrupted : rows that the corruption benchmark corrupts.
    unlabelled : pictures without a label, for pseudo labels; none where these are not wanted.
    compute : as it was chosen where the run began, so that every worker does the same arithmetic.
    task : what an approach may know of the pictures in `rows`.
    """

    config: RunConfig
    dataset: Dataset
    rows: Rows
    folds: Mapping[str, Fold]
    corrupted: Rows
    compute: Compute
    task: Task
    unlabelled: Pictures = field(default_factory=Pictures.none)

    @classmethod
    def of(
        cls,
        config: RunConfig,
        dataset: Dataset,
        rows: Rows,
        folds: Mapping[str, Fold],
        compute: Compute,
    ) -> TrainingData:
        """The data of a run or a search, with the task that `rows` make; nothing is corrupted."""
        pictures = dataset.pictures.take(rows)
        task = Task.of(pictures, len(dataset.classes), config.mode, config.budget)
        task = replace(task, evens=config.metric != "accuracy" and not config.cost)
        return cls(config, dataset, rows, folds, np.empty(0, dtype=np.int64), compute, task)

    def to_ship(self) -> TrainingData:
        """The same with no pixel and no label in it but those that may be learned from."""
        labels = np.full_like(self.dataset.labels, UNLABELLED)
        labels[self.rows] = self.dataset.labels[self.rows]
        dataset = Dataset(
            self.dataset.name,
            self.dataset.pictures.only(self.rows),
            labels,
            self.dataset.classes,
            names=(),
        )
        unlabelled = self.unlabelled.only(np.arange(len(self.unlabelled)))
        return replace(self, dataset=dataset, unlabelled=unlabelled)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        pictures = self.dataset.pictures
        return sum(
            array.nbytes
            for array in (
                pictures.buffer,
                self.unlabelled.buffer,
                *self._arrays().values(),
                *_rows_of(self.folds),
            )
        )

    def save(self, folder: Path) -> None:
        """Write it for processes of this machine, which share the pixels as a memory map."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "pixels.npy", self.dataset.pictures.buffer)
        np.save(folder / "unlabelled.npy", self.unlabelled.buffer)
        np.savez(folder / "arrays.npz", **self._arrays())
        for number, fold in enumerate(self.folds.values()):
            np.savez(
                folder / f"fold-{number}.npz",
                train=fold.train,
                validation=fold.validation,
                held_out=fold.held_out,
            )
        document = {
            "config": self.config.model_dump(mode="json"),
            "compute": asdict(self.compute),
            "task": asdict(self.task),
            "name": self.dataset.name,
            "classes": self.dataset.classes,
            "folds": list(self.folds),
            "more": len(self.unlabelled),
        }
        (folder / DOCUMENT).write_text(json.dumps(document))

    @classmethod
    def load(cls, folder: Path) -> TrainingData:
        """What `save` wrote."""
        document = json.loads((folder / DOCUMENT).read_text())
        with np.load(folder / "arrays.npz", allow_pickle=False) as file:
            arrays = dict(file)
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        folds = {}
        for number, name in enumerate(document["folds"]):
            with np.load(folder / f"fold-{number}.npz", allow_pickle=False) as parts:
                folds[name] = Fold(name, **parts)
        return cls(
            RunConfig.model_validate(document["config"]),
            Dataset(
                document["name"],
                Pictures(pixels, arrays["offsets"], arrays["shapes"]),
                arrays["labels"],
                tuple(document["classes"]),
                names=(),
            ),
            arrays["rows"],
            folds,
            arrays["corrupted"],
            Compute(**document["compute"]),
            Task(**document["task"]),
            Pictures(
                # An empty file cannot be mapped.
                np.load(folder / "unlabelled.npy", mmap_mode="r" if document["more"] else None),
                arrays["unlabelled_offsets"],
                arrays["unlabelled_shapes"],
            ),
        )

    def _arrays(self) -> dict[str, Any]:
        pictures = self.dataset.pictures
        return {
            "offsets": pictures.offsets,
            "shapes": pictures.shapes,
            "unlabelled_offsets": self.unlabelled.offsets,
            "unlabelled_shapes": self.unlabelled.shapes,
            "labels": self.dataset.labels,
            "rows": self.rows,
            "corrupted": self.corrupted,
        }


def _rows_of(folds: Mapping[str, Fold]) -> Iterable[Rows]:
    for fold in folds.values():
        yield from (fold.train, fold.validation, fold.held_out)
