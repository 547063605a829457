"""The battery of changes: every picture answered for by the model that never learnt from it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import joined
from bakeoff.data.shrink import shrunk
from bakeoff.data.split import Split
from bakeoff.evaluation.brittleness import brittleness_of
from bakeoff.evaluation.corruptions import STRENGTHS, Change, changes_for
from bakeoff.evaluation.records import Brittleness
from bakeoff.run.units import Workbench

__all__ = ["answers_wanted", "measure_brittleness"]

# Enough to tell 5 points from none at the quickest, and never longer than a third of the training.
PICTURES = {"quick": 100, "standard": 300, "thorough": 1000}
MOST_SIDE = 320  # pixels; larger pictures are made smaller first, as every approach does
AT_ONCE = 32  # pictures, each at all strengths

Rows = NDArray[np.int64]


def answers_wanted(bench: Workbench, parts: Split) -> int:
    """How many changed pictures the models of an approach will be asked about."""
    if not bench.request.brittleness or not parts.folds:
        return 0
    scored = sum(len(fold.held_out) for fold in parts.folds)
    pictures = min(PICTURES[bench.request.budget], scored)
    return pictures * STRENGTHS * len(changes_for(ink=bench.trainer.task.mode == "ink"))


def measure_brittleness(benches: Sequence[Workbench], parts: Split) -> dict[str, Brittleness]:
    """How each approach stands the changes, on a sample of the pictures that folds held out.

    A changed picture is made once and shown to all approaches, each answering with the model of
    the fold that held the picture out. Without folds nothing is asked: the pictures that chose
    an epoch are not to score, and the locked test is opened for one score alone.

    Parameters
    ----------
    benches : whose units are all finished; there is at least one.
    """
    first = benches[0]
    if not answers_wanted(first, parts):
        return {}
    dataset, folder, request = first.dataset, first.folder, first.request
    ink = first.trainer.task.mode == "ink"
    changes = changes_for(ink=ink)
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    sample = _sample(held_out, dataset, PICTURES[request.budget], request.seed)
    names = [bench.approach.name for bench in benches]
    models = {
        (bench.approach.name, fold.name): bench.model(fold.name)
        for bench in benches
        for fold in parts.folds
    }
    first.on_event(
        folder.log("changing pictures", pictures=len(sample), changes=[one.name for one in changes])
    )
    right = {name: np.zeros((len(changes), STRENGTHS), dtype=np.int64) for name in names}
    for number, change in enumerate(changes):
        started = time.perf_counter()
        for fold in parts.folds:
            asked = np.intersect1d(fold.held_out, sample)
            for rows, changed in _changed(dataset, asked, change, ink=ink, seed=request.seed):
                for name in names:
                    logits = models[name, fold.name].logits_of(changed, first.compute)
                    answers = logits.argmax(1).reshape(STRENGTHS, len(rows))
                    right[name][number] += (answers == dataset.labels[rows]).sum(1)
        first.on_event(
            folder.log(
                "pictures changed",
                change=change.name,
                done=number + 1,
                of=len(changes),
                seconds=time.perf_counter() - started,
                accuracy={name: float(right[name][number].mean() / len(sample)) for name in names},
            )
        )
    return {
        bench.approach.name: brittleness_of(
            bench.approach.title,
            changes,
            right[bench.approach.name],
            _clean(bench, parts, sample),
            len(sample),
        )
        for bench in benches
    }


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
        right += int((answers == bench.dataset.labels[arrays["rows"][asked]]).sum())
    return right / len(sample)
