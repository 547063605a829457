"""Thresholds for trusting an answer, from out-of-fold predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.records import NOTHING_DRAWN, Trust, TrustMeasured

__all__ = ["REFUSAL_RATE", "Judged", "joined", "trust"]

REFUSAL_RATE = 0.015
MOST_ERRORS = 0.05  # a set of classes that misses the truth more often is useless


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions for N pictures by models that never saw them.

    Attributes
    ----------
    probabilities : N×K, calibrated.
    ood_score : N, how far each picture lies from the training pictures.
    labels : N, the true classes.
    """

    probabilities: NDArray[np.floating]
    ood_score: NDArray[np.floating]
    labels: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """A selection of them."""
        return Judged(self.probabilities[rows], self.ood_score[rows], self.labels[rows])


def joined(parts: list[Judged]) -> Judged:
    """The concatenation of `parts`."""
    return Judged(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.ood_score for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def trust(
    unseen: Judged, *, fold_of: NDArray[np.integer] | None = None, test: Judged | None = None
) -> Trust:
    """Thresholds from `unseen` predictions, and the rates they reach on other pictures.

    The possible classes are a conformal set: the classes with at least the probability that the
    true class has for all but a share `error_rate` of pictures (Sadinle, Lei and Wasserman, "Least
    ambiguous set-valued classifiers with bounded error levels", 2019), and always the most
    probable class. An error rate above that of the most probable class alone would ask for empty
    sets, so the rate is half of it: sets then halve the errors, and show where they are. It is at
    most 5 %, and at least what the number of pictures can resolve.

    The OOD threshold is conformal too: a share `REFUSAL_RATE` of the unseen pictures exceeds it.

    Parameters
    ----------
    unseen : out-of-fold predictions, at least one.
    fold_of : N, the fold of each, to measure each fold with thresholds from the others.
    test : predictions on the locked test; if given, the rates are measured on it instead.
    """
    rate = _error_rate(unseen)
    thresholds = _thresholds(unseen, rate)
    if test is not None:
        return replace(thresholds, measured=_measured([(thresholds, test)]))
    if fold_of is None or len(np.unique(fold_of)) < 2:
        return thresholds
    parts = [
        (_thresholds(unseen.take(fold_of != fold), rate), unseen.take(fold_of == fold))
        for fold in np.unique(fold_of)
    ]
    return replace(thresholds, measured=_measured(parts))


def _error_rate(unseen: Judged) -> float:
    wrong = float((unseen.probabilities.argmax(1) != unseen.labels).mean())
    return min(max(wrong / 2, 1 / (len(unseen) + 1)), MOST_ERRORS)


def _thresholds(unseen: Judged, error_rate: float) -> Trust:
    drawn = unseen.ood_score[unseen.ood_score < NOTHING_DRAWN]
    of_truth = unseen.probabilities[np.arange(len(unseen)), unseen.labels]
    return Trust(
        error_rate=error_rate,
        least_probability=-_conformal(-of_truth, error_rate),
        refusal_rate=max(REFUSAL_RATE, 1 / (len(unseen) + 1)),
        max_ood_score=_conformal(drawn if len(drawn) else unseen.ood_score, REFUSAL_RATE),
        measured=None,
    )


def _conformal(values: NDArray[np.floating], rate: float) -> float:
    """The threshold that a new value exceeds with probability `rate` at most (Vovk et al. 2005).

    If there are too few values to guarantee that, the largest of them.
    """
    rank = math.ceil((len(values) + 1) * (1 - rate))
    return float(np.sort(values)[min(rank, len(values)) - 1])


def _measured(parts: list[tuple[Trust, Judged]]) -> TrustMeasured:
    covered, single, right, refused = (
        np.concatenate(outcome)
        for outcome in zip(
            *(_outcomes(thresholds, judged) for thresholds, judged in parts), strict=True
        )
    )
    return TrustMeasured(
        pictures=len(covered),
        covered=float(covered.mean()),
        sure=float(single.mean()),
        sure_right=float(right[single].mean()) if single.any() else None,
        refused=float(refused.mean()),
    )


def _outcomes(thresholds: Trust, judged: Judged) -> tuple[NDArray[np.bool_], ...]:
    """N each: the set holds the truth, the set is one class, the answer is right, it is refused."""
    every = np.arange(len(judged))
    best = judged.probabilities.argmax(1)
    possible = judged.probabilities >= thresholds.least_probability
    possible[every, best] = True
    return (
        possible[every, judged.labels],
        possible.sum(1) == 1,
        best == judged.labels,
        judged.ood_score > thresholds.max_ood_score,
    )
