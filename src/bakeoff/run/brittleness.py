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
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import joined
from bakeoff.data.shrink import shrunk
from bakeoff.data.split import Fold, Split
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.brittleness import brittleness_of
from bakeoff.evaluation.corruptions import STRENGTHS, Change, changes_for
from bakeoff.evaluation.records import Brittleness
from bakeoff.record.folder import Request
from bakeoff.run.units import Tell, Unit, Workbench

__all__ = ["Battery", "answer_changed", "answers_wanted", "sample_of"]

# Enough to tell 5 points from none at the quickest, and never longer than a third of the training.
PICTURES = {"quick": 100, "standard": 300, "thorough": 1000}
MOST_SIDE = 320  # pixels; larger pictures are made smaller first, as every approach does
AT_ONCE = 32  # pictures, each at all strengths
RIGHT = "right.json"

Rows = NDArray[np.int64]


def answers_wanted(bench: Workbench, parts: Split) -> int:
    """How many changed pictures the models of an approach will be asked about."""
    asked = sample_of(bench.material.dataset, parts, bench.material.request)
    return len(asked) * STRENGTHS * len(_changes(bench))


def sample_of(dataset: Dataset, parts: Split, request: Request) -> Rows:
    """Rows of the pictures that are changed, of those that folds held out.

    Without folds nothing is asked: the pictures that chose an epoch are not to score, and the
    locked test is opened for one score alone.
    """
    if not request.brittleness or not parts.folds:
        return np.empty(0, dtype=np.int64)
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    return _sample(held_out, dataset, PICTURES[request.budget], request.seed)


class Battery:
    """What is left to ask the models of a run's folds; see `Work`.

    Parameters
    ----------
    benches : of the approaches, whose folds are all trained when this is done.
    tell : called with all that happens.
    """

    def __init__(self, benches: Sequence[Workbench], parts: Split, tell: Tell) -> None:
        self._benches = {bench.approach.name: bench for bench in benches}
        self._parts = parts
        self._tell = tell
        self._units = [
            Unit(bench.approach.name, fold.name, _name_of(fold), kind="changed")
            for bench in benches
            for fold in parts.folds
            if len(_asked(bench, fold))
        ]
        self._left = [
            unit
            for unit in self._units
            if not self._benches[unit.approach].folder.has_unit(unit.approach, unit.name)
        ]
        self._done = len(self._units) - len(self._left)
        if self._left:
            changes = [one.name for one in _changes(benches[0])]
            asked = len(benches[0].material.changed)
            tell("changing pictures", pictures=asked, changes=changes)

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

    def found(self) -> dict[str, Brittleness]:
        """How each approach stands the changes; empty where that was not asked."""
        return {
            name: brittleness_of(
                bench.approach.title,
                _changes(bench),
                np.sum([_right(bench, fold) for fold in self._parts.folds], axis=0),
                _clean(bench, self._parts, bench.material.changed),
                len(bench.material.changed),
            )
            for name, bench in self._benches.items()
            if len(bench.material.changed)
        }


def answer_changed(bench: Workbench, unit: Unit) -> None:
    """Ask the model of a fold about the changed pictures that the fold held out, and keep it."""
    started = time.perf_counter()
    material, changes = bench.material, _changes(bench)
    dataset = material.dataset
    asked = _asked(bench, material.folds[unit.fold])
    model = bench.model(unit.fold)
    right = np.zeros((len(changes), STRENGTHS), dtype=np.int64)
    for number, change in enumerate(changes):
        for rows, changed in _changed(
            dataset, asked, change, ink=_ink(bench), seed=material.request.seed
        ):
            answers = model.logits_of(changed, material.compute).argmax(1)
            right[number] += (answers.reshape(STRENGTHS, -1) == dataset.labels[rows]).sum(1)
    files = {RIGHT: json.dumps(right.tolist()).encode()}
    bench.folder.save_unit_files(unit.approach, unit.name, files)
    bench.tell(
        "pictures changed",
        approach=unit.approach,
        fold=unit.fold,
        seconds=time.perf_counter() - started,
        accuracy=float(right.mean() / len(asked)),
    )


def _name_of(fold: Fold) -> str:
    return f"{fold.name} changed"


def _asked(bench: Workbench, fold: Fold) -> Rows:
    return np.intersect1d(fold.held_out, bench.material.changed)


def _ink(bench: Workbench) -> bool:
    return bench.trainer.task.mode == "ink"


def _changes(bench: Workbench) -> list[Change]:
    return changes_for(ink=_ink(bench))


def _right(bench: Workbench, fold: Fold) -> NDArray[np.int64]:
    """How many of a fold's were right, change by change and strength by strength."""
    changes = _changes(bench)
    if not len(_asked(bench, fold)):
        return np.zeros((len(changes), STRENGTHS), dtype=np.int64)
    path = bench.folder.unit(bench.approach.name, _name_of(fold)) / RIGHT
    return np.array(json.loads(path.read_bytes()), dtype=np.int64)


def _sample(rows: Rows, dataset: Dataset, most: int, seed: int) -> Rows:
    """At most so many of some rows, as many of each class as its share."""
    shuffled = np.random.default_rng(seed).permutation(np.sort(rows))
    by_class = shuffled[np.argsort(dataset.labels[shuffled], kind="stable")]
    chosen = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)
    return np.sort(by_class[chosen])


def _changed(
    dataset: Dataset, rows: Rows, change: Change, *, ink: bool, seed: int
) -> Iterator[tuple[Rows, Pictures]]:
    """Some rows, and their pictures at the first strength, at the second, and so on."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        small = [shrunk(dataset.pictures[int(row)], MOST_SIDE) for row in some]
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


def _clean(bench: Workbench, parts: Split, sample: Rows) -> float:
    """Accuracy on the sample as it is, by what the folds answered when they were scored."""
    right = 0
    for fold in parts.folds:
        _, arrays = bench.folder.load_unit(bench.approach.name, fold.name)
        asked = np.isin(arrays["rows"], sample)
        answers = arrays["logits"][asked].argmax(1)
        right += int((answers == bench.material.dataset.labels[arrays["rows"][asked]]).sum())
    return right / len(sample)
