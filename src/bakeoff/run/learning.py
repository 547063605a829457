"""The learning curve of a run: every fold again on an eighth, a quarter and a half of its pictures.

Small fits train for more epochs in smaller steps, so all of them together take somewhat longer than
the folds and the final fit: 1.4 to 1.7 times with the CNN on 1 000 digits. A run with its curve
takes two to three times as long as without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.split import Fold, Split, validation_rows
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.learning import learning_curve
from bakeoff.evaluation.metrics import losses
from bakeoff.evaluation.records import LearningCurve
from bakeoff.record.folder import RunFolder
from bakeoff.workers.units import HELD_OUT

__all__ = ["HALVINGS", "Fit", "Smaller", "fits_of", "learning_of", "smaller_folds"]

HALVINGS = 3
LEAST_OF_A_CLASS = 2  # pictures a fit learns from, on average over the classes

Rows = NDArray[np.int64]


class Smaller(NamedTuple):
    """A fold that learns from less: `halvings` times half of what `of` does."""

    of: str
    halvings: int
    fold: Fold

    @property
    def share(self) -> float:
        """Of the pictures of the whole fold."""
        return 0.5**self.halvings


class Fit(NamedTuple):
    """One fit of the curve, a line of learning.csv."""

    approach: str
    pictures: int
    fold: str
    held_out: int
    accuracy: float
    loss: float
    seconds: float


def smaller_folds(
    parts: Split, labels: NDArray[np.int64], together: NDArray[np.int64], seed: int
) -> tuple[Smaller, ...]:
    """Every fold at a half, a quarter and an eighth of what it learns from and chooses by.

    Each is half of the one before, class by class, so the smaller lies in the greater; what is
    kept together stays so, unless it is so large that no half could be made. What is held out
    stays as it is. All folds have the same halvings: none goes on where one has too few pictures.

    Parameters
    ----------
    labels : N, class of each picture of the dataset.
    together : N ids, as `split` was given.
    seed : the same seed gives the same subsets, whatever the approach.
    """
    names = {fold.name for fold in parts.folds}
    made: list[Smaller] = []
    last = list(parts.folds)
    for halvings in range(1, HALVINGS + 1):
        halves = []
        for number, (whole, fold) in enumerate(zip(parts.folds, last, strict=True)):
            rng = np.random.default_rng([seed, 3, number, halvings])
            train = _half(fold.train, labels, together, rng)
            validation = _half(fold.validation, labels, together, rng)
            name = f"{whole.name} at {len(train)}"
            while name in names:  # a group may be called like that
                name += " pictures"
            names.add(name)
            halves.append(Fold(name, train, validation, fold.held_out))
        least = LEAST_OF_A_CLASS * len(np.unique(labels[labels >= 0]))
        if any(
            len(half.train) < least or len(half.train) == len(fold.train)
            for half, fold in zip(halves, last, strict=True)
        ):
            break
        made += [
            Smaller(whole.name, halvings, half)
            for whole, half in zip(parts.folds, halves, strict=True)
        ]
        last = halves
    return tuple(made)


def learning_of(
    folder: RunFolder,
    approach: str,
    title: str,
    labels: NDArray[np.int64],
    parts: Split,
    smaller: Sequence[Smaller],
) -> LearningCurve:
    """The curve of an approach whose units are all finished.

    Parameters
    ----------
    labels : N, of the dataset.
    """
    sizes, right = [], []
    for folds in reversed(_by_halvings(parts, smaller)):
        sizes.append(float(np.mean([len(fold.train) for fold in folds])))
        units = [_unit(folder, approach, fold) for fold in folds]
        right.append(
            np.concatenate([logits.argmax(1) == labels[rows] for rows, logits, _, _ in units])
        )
    learnable = labels[np.concatenate([parts.final.train, parts.final.validation])]
    return learning_curve(
        title,
        sizes,
        np.stack(right),
        np.repeat(np.arange(len(parts.folds)), [len(fold.held_out) for fold in parts.folds]),
        learnable=len(learnable),
        chance=float(np.bincount(learnable).max() / len(learnable)),
    )


def fits_of(
    folder: RunFolder,
    approach: str,
    labels: NDArray[np.int64],
    parts: Split,
    smaller: Sequence[Smaller],
) -> list[Fit]:
    """Every fit of an approach's curve, from the fewest pictures to the most."""
    fits = []
    for folds in reversed(_by_halvings(parts, smaller)):
        for whole, fold in zip(parts.folds, folds, strict=True):
            rows, logits, temperature, seconds = _unit(folder, approach, fold)
            truth = labels[rows]
            fits.append(
                Fit(
                    approach,
                    len(fold.train),
                    whole.name,
                    len(rows),
                    float((logits.argmax(1) == truth).mean()),
                    float(losses(softmax(logits, temperature), truth).mean()),
                    seconds,
                )
            )
    return fits


def _by_halvings(parts: Split, smaller: Sequence[Smaller]) -> list[list[Fold]]:
    """The whole folds, then those of one halving, of two …"""
    halvings = sorted({one.halvings for one in smaller})
    return [
        list(parts.folds),
        *([one.fold for one in smaller if one.halvings == n] for n in halvings),
    ]


def _unit(folder: RunFolder, approach: str, fold: Fold) -> tuple[Rows, NDArray[Any], float, float]:
    record, arrays = folder.load_unit(approach, fold.name)
    rows, logits, _ = (arrays[name] for name in HELD_OUT)
    return rows, logits, record.temperature, record.seconds


def _half(
    rows: Rows, labels: NDArray[np.int64], together: NDArray[np.int64], rng: np.random.Generator
) -> Rows:
    """Half of the rows; every class that has pictures keeps some."""
    return rows[~validation_rows(labels[rows], together[rows], 0.5, rng)]
