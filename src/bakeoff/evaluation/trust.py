"""Thresholds that say when to believe an answer, from pictures that the model never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.records import Trust, TrustMeasured

__all__ = ["REFUSAL_RATE", "Judged", "joined", "trust"]

REFUSAL_RATE = 0.015
MOST_ERRORS = 0.05  # a set that misses more often than this is no help


@dataclass(frozen=True, eq=False)
class Judged:
    """What was said of N pictures by models that never saw them.

    Attributes
    ----------
    probabilities : N×K, calibrated.
    OOD score : N, how far each lies from what the model learned from.
    labels : N, the true classes.
    """

    probabilities: NDArray[np.floating]
    ood_score: NDArray[np.floating]
    labels: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """Some of them."""
        return Judged(self.probabilities[rows], self.ood_score[rows], self.labels[rows])


def joined(parts: list[Judged]) -> Judged:
    """All of them, in that order."""
    return Judged(
        np.concatenate([one.probabilities for one in parts]),
        np.concatenate([one.ood_score for one in parts]),
        np.concatenate([one.labels for one in parts]),
    )


def trust(
    unseen: Judged, *, fold_of: NDArray[np.integer] | None = None, test: Judged | None = None
) -> Trust:
    """Thresholds from `unseen` pictures, and what they are worth on others.

    The possible classes are a conformal set: those with at least the probability that all but
    an `error_rate` of truths were given (Sadinle, Lei and Wasserman, "Least ambiguous set-valued
    classifiers with bounded error levels", 2019), and always the likeliest. A set that is to be
    narrower than it must be would be empty, so the rate is half of that at which the likeliest
    class alone is wrong: sets then halve the errors, and say where. It is never above 5 %, nor
    below what so many pictures can tell.

    Strangeness is cut where a share `REFUSAL_RATE` of the unseen pictures lies beyond, which is
    conformal too.

    Parameters
    ----------
    unseen : out-of-fold answers, at least one.
    fold_of : N, the fold of each; to measure fold by fold, with thresholds from the others.
    test : answers on locked pictures; measured on these where there are any.
    """
    rate = _error_rate(unseen)
    found = _thresholds(unseen, rate)
    if test is not None:
        return replace(found, measured=_measured([(found, test)]))
    if fold_of is None or len(np.unique(fold_of)) < 2:
        return found
    parts = [
        (_thresholds(unseen.take(fold_of != fold), rate), unseen.take(fold_of == fold))
        for fold in np.unique(fold_of)
    ]
    return replace(found, measured=_measured(parts))


def _error_rate(unseen: Judged) -> float:
    problem = float((unseen.probabilities.argmax(1) != unseen.labels).mean())
    return min(max(problem / 2, 1 / (len(unseen) + 1)), MOST_ERRORS)


def _thresholds(unseen: Judged, error_rate: float) -> Trust:
    given = unseen.probabilities[np.arange(len(unseen)), unseen.labels]
    return Trust(
        error_rate=error_rate,
        least_probability=-_conformal(-given, error_rate),
        refusal_rate=max(REFUSAL_RATE, 1 / (len(unseen) + 1)),
        max_ood_score=_conformal(unseen.ood_score, REFUSAL_RATE),
        measured=None,
    )


def _conformal(values: NDArray[np.floating], rate: float) -> float:
    """What a new value exceeds with at most probability `rate`: Vovk et al. 2005.

    Where so few values can not promise that, the greatest of them.
    """
    rank = math.ceil((len(values) + 1) * (1 - rate))
    return float(np.sort(values)[min(rank, len(values)) - 1])


def _measured(parts: list[tuple[Trust, Judged]]) -> TrustMeasured:
    covered, single, right, refused = (
        np.concatenate(some)
        for some in zip(
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
    """N each: the set holds the truth, it is of one class, the answer is right, it is refused."""
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
