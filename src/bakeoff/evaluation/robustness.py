"""How an approach stands changes that leave the label true, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.corruptions import Corruption
from bakeoff.evaluation.prose import percent
from bakeoff.evaluation.records import CorruptionResult, Robustness

__all__ = ["robustness_of"]

WEAKEST = 3
LITTLE = 0.02  # of accuracy: what a change may cost that is said to cost nothing much


def robustness_of(
    name: str,
    corruptions: Sequence[Corruption],
    right: NDArray[np.int64],
    clean: float,
    pictures: int,
) -> Robustness:
    """What came of the battery for the approach that people know by this name.

    Parameters
    ----------
    corruptions : A changes.
    right : A×5, how many pictures were right after each change at each strength.
    clean : accuracy on the same pictures as they are.
    pictures : how many there were.
    """
    accuracy = right / pictures
    order = np.argsort(accuracy.mean(1), kind="stable")[:WEAKEST]
    return Robustness(
        pictures=pictures,
        clean=clean,
        mean=float(accuracy.mean()),
        corruptions=[
            CorruptionResult(
                change.name, change.words, change.strengths, [float(one) for one in some]
            )
            for change, some in zip(corruptions, accuracy, strict=True)
        ],
        weakest=[corruptions[index].name for index in order],
        words=_words(name, [corruptions[index].name for index in order], accuracy, order, clean),
    )


def _words(
    name: str,
    weakest: Sequence[str],
    accuracy: NDArray[np.float64],
    order: NDArray[np.int64],
    clean: float,
) -> str:
    mean = accuracy.mean(1)
    if clean - mean.min() <= LITTLE:
        return (
            f"{name} stands all {len(accuracy)} changes: over five strengths none costs it more "
            f"than {LITTLE * 100:g} points of the {percent(clean)} on clean pictures."
        )
    worst, *others = (percent(mean[index]) for index in order)
    also = " and ".join(f"{one} ({some})" for one, some in zip(weakest[1:], others, strict=True))
    return (
        f"Of {len(accuracy)} changes, {name} stands {weakest[0]} worst: {worst} over five "
        f"strengths and {percent(accuracy[order[0], -1])} at the strongest, against "
        f"{percent(clean)} on clean pictures; then {also}."
    )
