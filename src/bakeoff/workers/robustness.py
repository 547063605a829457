"""The corruption benchmark of a run: each picture answered by the models that never saw it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Split
from bakeoff.evaluation.corruptions import STRENGTHS, Corruption, corruptions_for
from bakeoff.evaluation.records import Robustness
from bakeoff.evaluation.robustness import robustness_of
from bakeoff.record.events import CorruptingPictures, Event, PicturesCorrupted
from bakeoff.record.folder import RunFolder
from bakeoff.workers.corruptions import RIGHT, CorruptionUnit
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pseudo import fit_of
from bakeoff.workers.units import Tell, Unit
from bakeoff.workers.work import UnitQueue

__all__ = ["CorruptionBenchmark", "answers_each", "sample_of"]

# By budget; 100 are enough to separate 5 points from none.
PICTURES = {"quick": 100, "standard": 300, "thorough": 1000}
# As many times fewer photos: a frozen network looks at a photo once to train, and at 50 versions of
# it here. Of 396 photos, corrupting 300 took ten times as long as training.
FEWER_PHOTOS = 3

Rows = NDArray[np.int64]


def answers_each(data: TrainingData) -> int:
    """How many corrupted versions of each picture the models of each approach answer."""
    return STRENGTHS * len(corruptions_for(ink=data.task.mode == "ink"))


def sample_of(data: TrainingData, parts: Split) -> Rows:
    """Rows of the pictures to corrupt, from those that folds held out.

    Without folds there are none: the pictures that chose an epoch are not to score, and the
    locked test is opened for one score alone.
    """
    config = data.config
    if not config.robustness or not parts.folds:
        return np.empty(0, dtype=np.int64)
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    most = PICTURES[config.budget] // (FEWER_PHOTOS if data.task.mode == "photo" else 1)
    return _sample(held_out, data.dataset, most, config.seed)


class CorruptionBenchmark(UnitQueue):
    """The units of the benchmark, one a fold for all approaches, and what they found.

    Parameters
    ----------
    data : with the rows to corrupt.
    folder : where the folds of all approaches are, or will be.
    tell : called with all that happens.
    """

    def __init__(self, data: TrainingData, folder: RunFolder, parts: Split, tell: Tell) -> None:
        self._data = data
        self._folder = folder
        self._parts = parts
        names, after_final = data.config.names, data.config.pseudo_label
        folds = [fold for fold in parts.folds if np.isin(fold.held_out, data.corrupted).any()]
        units = []
        for fold in folds:
            unanswered = tuple(
                name
                for name in names
                if not folder.has_unit(name, CorruptionUnit.name_of(fold.name))
            )
            if unanswered:
                units.append(CorruptionUnit.of(fold.name, unanswered, after_final=after_final))
        super().__init__(units, folder, tell)
        self._of = len(folds) * len(names)
        self._done = self._of - sum(len(unit.keeps) for unit in self.waiting)
        self._begun = False

    @property
    def _corruptions(self) -> Sequence[Corruption]:
        return corruptions_for(ink=self._data.task.mode == "ink")

    def next(self, last: str | None) -> Unit | None:  # noqa: ARG002 - none shares preparation
        """The next unit whose models are all there."""
        has = self._folder.has_unit
        ready = (unit for unit in self.waiting if all(has(*needed) for needed in unit.needs))
        unit = next(ready, None)
        if unit is None:
            return None
        if not self._begun:
            self._begun = True
            corruptions = [corruption.name for corruption in self._corruptions]
            pictures = len(self._data.corrupted)
            self.tell(CorruptingPictures(pictures=pictures, corruptions=corruptions))
        self.waiting.remove(unit)
        return unit

    def heard(self, unit: Unit, event: Event) -> bool:
        if isinstance(event, PicturesCorrupted):
            self._done += 1
            event = event.model_copy(update={"done": self._done, "of": self._of})
        return super().heard(unit, event)

    def result(self, approach: str, title: str) -> Robustness | None:
        """How robust an approach is; None where nothing was corrupted."""
        if not len(self._data.corrupted):
            return None
        return robustness_of(
            title,
            self._corruptions,
            np.sum([self._right(approach, fold.name) for fold in self._parts.folds], axis=0),
            self._clean(approach),
            len(self._data.corrupted),
        )

    def _right(self, approach: str, fold: str) -> NDArray[np.int64]:
        """How many answers of a fold were right, corruption by corruption and by strength."""
        unit = self._folder.unit(approach, CorruptionUnit.name_of(fold))
        if not unit.is_dir():
            return np.zeros((len(self._corruptions), STRENGTHS), dtype=np.int64)
        return np.array(json.loads((unit / RIGHT).read_bytes()), dtype=np.int64)

    def _clean(self, approach: str) -> float:
        """Accuracy on the same pictures as they are, from the answers of the folds."""
        right = 0
        for fold in self._parts.folds:
            unit = fit_of(self._folder, approach, fold.name)
            _, arrays = self._folder.load_unit(approach, unit)
            sampled = np.isin(arrays["rows"], self._data.corrupted)
            answers = arrays["logits"][sampled].argmax(1)
            labels = self._data.dataset.labels[arrays["rows"][sampled]]
            right += int((answers == labels).sum())
        return right / len(self._data.corrupted)


def _sample(rows: Rows, dataset: Dataset, most: int, seed: int) -> Rows:
    """At most `most` of some rows, each class by its share."""
    shuffled = np.random.default_rng(seed).permutation(np.sort(rows))
    by_class = shuffled[np.argsort(dataset.labels[shuffled], kind="stable")]
    chosen = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)
    return np.sort(by_class[chosen])
