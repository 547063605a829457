"""The corrupted pictures of one fold, made once and answered by every approach.

Making them costs 90 ms of CPU for a 28×28 picture, more than most models take to answer them: so
a fold's pictures are corrupted once and shared, rather than once for each approach.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.image import shrink
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import joined
from bakeoff.evaluation.corruptions import STRENGTHS, Corruption, Sheet, corruptions_for
from bakeoff.heap import bound_kept_memory
from bakeoff.record.events import PicturesCorrupted
from bakeoff.training.model import Model
from bakeoff.workers.pseudo import fit_of
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import FINAL, Unit
from bakeoff.workers.worker import Worker

__all__ = ["MAX_SIDE", "RIGHT", "CorruptionUnit", "corrupted"]

MAX_SIDE = 320  # pixels; larger pictures are shrunk first, as every approach does
AT_ONCE = 32  # pictures, each at all strengths, and fewer if they are large:
PIXELS_AT_ONCE = 800_000  # of them before they are corrupted; copies and floats take 60 times that
SPARE = 50_000_000  # bytes of freed memory to keep, as the next pictures are of other sizes
RIGHT = "right.json"

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class CorruptionUnit(Unit):
    """The corrupted pictures that a fold held out, answered by the fold's model of each approach.

    Attributes
    ----------
    fold : by name.
    approaches : those that have not answered yet.
    after_final : the final fits say which fits of a fold stand for their approaches.
    """

    kind: ClassVar[str] = "corruptions"

    fold: str
    approaches: tuple[str, ...]
    after_final: bool = False

    @classmethod
    def of(
        cls, fold: str, approaches: tuple[str, ...], *, after_final: bool = False
    ) -> CorruptionUnit:
        """The unit of a fold."""
        return cls(approaches[0], cls.name_of(fold), fold, approaches, after_final)

    @staticmethod
    def name_of(fold: str) -> str:
        """Under which an approach's answers are kept; runs of schema 1 used the same name."""
        return f"{fold} changed"

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        names = (self.fold, FINAL) if self.after_final else (self.fold,)
        return tuple((approach, name) for approach in self.approaches for name in names)

    @property
    def keeps(self) -> tuple[tuple[str, str], ...]:
        return tuple((approach, self.name) for approach in self.approaches)

    def do(self, worker: Worker) -> None:
        data, folder = worker.data, worker.folder
        labels = data.dataset.labels
        rows = np.intersect1d(data.folds[self.fold].held_out, data.corrupted)
        corruptions = corruptions_for(ink=data.task.mode == "ink")
        alike = self._alike(worker)
        right = {
            name: np.zeros((len(corruptions), STRENGTHS), dtype=np.int64)
            for name in self.approaches
        }
        seconds = dict.fromkeys(self.approaches, 0.0)
        for number, batch, pictures in corrupted(
            data.dataset, rows, corruptions, ink=data.task.mode == "ink", seed=data.config.seed
        ):
            for models in alike:
                started = time.perf_counter()
                first, *_ = models.values()
                seen = list(first.features_of(pictures, data.compute))
                for name, model in models.items():
                    answers = model.logits_of_features(seen, data.compute).argmax(1)
                    matches = answers.reshape(STRENGTHS, -1) == labels[batch]
                    right[name][number] += matches.sum(1)
                    seconds[name] += (now := time.perf_counter()) - started
                    started = now
            if number == len(corruptions) - 1:  # with these rows
                bound_kept_memory(SPARE)
        for name in self.approaches:
            files = {RIGHT: json.dumps(right[name].tolist()).encode()}
            folder.save_unit_files(name, self.name, files)
            worker.tell(
                PicturesCorrupted(
                    approach=name,
                    fold=self.fold,
                    seconds=seconds[name],
                    accuracy=float(right[name].mean() / len(rows)),
                )
            )

    def _alike(self, worker: Worker) -> list[dict[str, Model]]:
        """The fold's model of each approach; those in one of the lists see the same in pictures."""
        data, folder = worker.data, worker.folder
        alike: dict[tuple[object, ...], dict[str, Model]] = {}
        for name in self.approaches:
            approach = data.config.approach(name).build()
            model = load_model(folder, approach, fit_of(folder, name, self.fold))
            alike.setdefault(approach.input_key(data.task), {})[name] = model
        return list(alike.values())


def corrupted(
    dataset: Dataset, rows: Rows, corruptions: Sequence[Corruption], *, ink: bool, seed: int
) -> Iterator[tuple[int, Rows, Pictures]]:
    """The number of a corruption, some rows, and their pictures at each strength in turn."""
    side = min(int(dataset.pictures.shapes[rows, :2].max(initial=1)), MAX_SIDE)
    at_once = max(1, min(AT_ONCE, PIXELS_AT_ONCE // side**2))
    for start in range(0, len(rows), at_once):
        batch = rows[start : start + at_once]
        sheets = [Sheet(shrink(dataset.pictures[int(row)], MAX_SIDE), ink=ink) for row in batch]
        for number, corruption in enumerate(corruptions):
            pictures = [
                corruption(sheet, strength, row=int(row), seed=seed)[None]
                for strength in range(1, STRENGTHS + 1)
                for row, sheet in zip(batch, sheets, strict=True)
            ]
            yield number, batch, joined(pictures)
