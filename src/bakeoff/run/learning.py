"""The learning curve of a run: every fold again on an eighth, a quarter and a half of its pictures.

Small fits train for more epochs of smaller batches, so together they take longer than the folds and
the final fit: 1.4 to 1.7 times as long with the CNN on 1 000 digits. A run with a curve takes two
to three times as long as one without.
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
LEAST_OF_A_CLASS = 2  # training pictures of a fit, on average over the classes

Rows = NDArray[np.int64]


class Smaller(NamedTuple):
    """The fold `of` with its training pictures halved `halvings` times."""

    of: str
    halvings: int
    fold: Fold

    @property
    def share(self) -> float:
        """The share of the whole fold's training pictures."""
        return 0.5**self.halvings


class Fit(NamedTuple):
    """One fit of the curve: a line of learning.csv."""

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
    """Every fold with a half, a quarter and an eighth of its training and validation pictures.

    Each subset is half of the one before, class by class. Pictures of one cluster stay together
    unless the cluster is too large for a half. The held-out pictures stay the same. All folds are
    halved equally often: if one has too few pictures for a further halving, none is halved again.

    Parameters
    ----------
    labels : N, the class of each picture of the dataset.
    together : N ids, as for `split`.
    seed : the same seed gives the same subsets for all approaches.
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
            while name in names:  # a group may have this name
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
    """Every fit of an approach's curve, the smallest first."""
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
    """The whole folds, then those halved once, twice …"""
    halvings = sorted({fold.halvings for fold in smaller})
    return [
        list(parts.folds),
        *([half.fold for half in smaller if half.halvings == n] for n in halvings),
    ]


def _unit(folder: RunFolder, approach: str, fold: Fold) -> tuple[Rows, NDArray[Any], float, float]:
    record, arrays = folder.load_unit(approach, fold.name)
    rows, logits, _ = (arrays[name] for name in HELD_OUT)
    return rows, logits, record.temperature, record.seconds


def _half(
    rows: Rows, labels: NDArray[np.int64], together: NDArray[np.int64], rng: np.random.Generator
) -> Rows:
    """Half of the rows; every class with pictures keeps some."""
    return rows[~validation_rows(labels[rows], together[rows], 0.5, rng)]
