"""The battery of changes: every picture answered for by the model that never learnt from it.

One approach on one fold is a unit of its own, which a worker does when the fold is trained: it
makes the changed pictures anew rather than have them shipped, and answers with that fold's model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.image import shrink
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import joined
from bakeoff.data.split import Fold, Split
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.corruptions import STRENGTHS, Corruption, corruptions_for
from bakeoff.evaluation.records import Robustness
from bakeoff.evaluation.robustness import robustness_of
from bakeoff.record.folder import RunConfig
from bakeoff.workers.units import Tell, Unit, UnitRunner

__all__ = ["CorruptionBenchmark", "answer_corrupted", "answers_wanted", "sample_of"]

# Enough to tell 5 points from none at the quickest, and never longer than a third of the training.
PICTURES = {"quick": 100, "standard": 300, "thorough": 1000}
MOST_SIDE = 320  # pixels; larger pictures are made smaller first, as every approach does
AT_ONCE = 32  # pictures, each at all strengths
RIGHT = "right.json"

Rows = NDArray[np.int64]


def answers_wanted(runner: UnitRunner, parts: Split) -> int:
    """How many changed pictures the models of an approach will be asked about."""
    asked = sample_of(runner.data.dataset, parts, runner.data.config)
    return len(asked) * STRENGTHS * len(_corruptions(runner))


def sample_of(dataset: Dataset, parts: Split, config: RunConfig) -> Rows:
    """Rows of the pictures that are changed, of those that folds held out.

    Without folds nothing is asked: the pictures that chose an epoch are not to score, and the
    locked test is opened for one score alone.
    """
    if not config.robustness or not parts.folds:
        return np.empty(0, dtype=np.int64)
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    return _sample(held_out, dataset, PICTURES[config.budget], config.seed)


class CorruptionBenchmark:
    """What is left to ask the models of a run's folds; see `Work`.

    Parameters
    ----------
    runners : of the approaches, whose folds are all trained when this is done.
    tell : called with all that happens.
    """

    def __init__(self, runners: Sequence[UnitRunner], parts: Split, tell: Tell) -> None:
        self._benches = {runner.approach.name: runner for runner in runners}
        self._parts = parts
        self._tell = tell
        self._units = [
            Unit(runner.approach.name, fold.name, _name_of(fold), kind="changed")
            for runner in runners
            for fold in parts.folds
            if len(_asked(runner, fold))
        ]
        self._left = [
            unit
            for unit in self._units
            if not self._benches[unit.approach].folder.has_unit(unit.approach, unit.name)
        ]
        self._done = len(self._units) - len(self._left)
        if self._left:
            corruptions = [one.name for one in _corruptions(runners[0])]
            asked = len(runners[0].data.changed)
            tell("changing pictures", pictures=asked, corruptions=corruptions)

    def left(self) -> int:
        return len(self._left)

    def next(self, last: str | None) -> Unit | None:
        if not self._left:
            return None
        places = range(len(self._left))
        same = next((place for place in places if self._left[place].approach == last), 0)
        return self._left.pop(same)

    def heard(self, unit: Unit, kind: str, details: dict[str, object]) -> bool:  # noqa: ARG002
        if kind == "pictures changed":
            self._done += 1
            self._tell(kind, **details, done=self._done, of=len(self._units))
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:  # noqa: ARG002
        if error is not None:
            raise error

    def found(self) -> dict[str, Robustness]:
        """How each approach stands the changes; empty where that was not asked."""
        return {
            name: robustness_of(
                runner.approach.title,
                _corruptions(runner),
                np.sum([_right(runner, fold) for fold in self._parts.folds], axis=0),
                _clean(runner, self._parts, runner.data.changed),
                len(runner.data.changed),
            )
            for name, runner in self._benches.items()
            if len(runner.data.changed)
        }


def answer_corrupted(runner: UnitRunner, unit: Unit) -> None:
    """Ask the model of a fold about the changed pictures that the fold held out, and keep it."""
    started = time.perf_counter()
    data, corruptions = runner.data, _corruptions(runner)
    dataset = data.dataset
    asked = _asked(runner, data.folds[unit.fold])
    model = runner.model(unit.fold)
    right = np.zeros((len(corruptions), STRENGTHS), dtype=np.int64)
    for number, change in enumerate(corruptions):
        for rows, changed in _corrupted(
            dataset, asked, change, ink=_ink(runner), seed=data.config.seed
        ):
            answers = model.logits_of(changed, data.compute).argmax(1)
            right[number] += (answers.reshape(STRENGTHS, -1) == dataset.labels[rows]).sum(1)
    files = {RIGHT: json.dumps(right.tolist()).encode()}
    runner.folder.save_unit_files(unit.approach, unit.name, files)
    runner.tell(
        "pictures changed",
        approach=unit.approach,
        fold=unit.fold,
        seconds=time.perf_counter() - started,
        accuracy=float(right.mean() / len(asked)),
    )


def _name_of(fold: Fold) -> str:
    return f"{fold.name} changed"


def _asked(runner: UnitRunner, fold: Fold) -> Rows:
    return np.intersect1d(fold.held_out, runner.data.changed)


def _ink(runner: UnitRunner) -> bool:
    return runner.trainer.task.mode == "ink"


def _corruptions(runner: UnitRunner) -> list[Corruption]:
    return corruptions_for(ink=_ink(runner))


def _right(runner: UnitRunner, fold: Fold) -> NDArray[np.int64]:
    """How many of a fold's were right, change by change and strength by strength."""
    corruptions = _corruptions(runner)
    if not len(_asked(runner, fold)):
        return np.zeros((len(corruptions), STRENGTHS), dtype=np.int64)
    path = runner.folder.unit(runner.approach.name, _name_of(fold)) / RIGHT
    return np.array(json.loads(path.read_bytes()), dtype=np.int64)


def _sample(rows: Rows, dataset: Dataset, most: int, seed: int) -> Rows:
    """At most so many of some rows, as many of each class as its share."""
    shuffled = np.random.default_rng(seed).permutation(np.sort(rows))
    by_class = shuffled[np.argsort(dataset.labels[shuffled], kind="stable")]
    chosen = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)
    return np.sort(by_class[chosen])


def _corrupted(
    dataset: Dataset, rows: Rows, change: Corruption, *, ink: bool, seed: int
) -> Iterator[tuple[Rows, Pictures]]:
    """Some rows, and their pictures at the first strength, at the second, and so on."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        small = [shrink(dataset.pictures[int(row)], MOST_SIDE) for row in some]
        yield (
            some,
            joined(
                [
                    change(picture, strength, row=int(row), ink=ink, seed=seed)[None]
                    for strength in range(1, STRENGTHS + 1)
                    for row, picture in zip(some, small, strict=True)
                ]
            ),
        )


def _clean(runner: UnitRunner, parts: Split, sample: Rows) -> float:
    """Accuracy on the sample as it is, by what the folds answered when they were scored."""
    right = 0
    for fold in parts.folds:
        _, arrays = runner.folder.load_unit(runner.approach.name, fold.name)
        asked = np.isin(arrays["rows"], sample)
        answers = arrays["logits"][asked].argmax(1)
        right += int((answers == runner.data.dataset.labels[arrays["rows"][asked]]).sum())
    return right / len(sample)
