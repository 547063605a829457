"""How an approach stands changes that leave the label true, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.corruptions import Change
from bakeoff.evaluation.prose import percent
from bakeoff.evaluation.records import Brittleness, Corruption

__all__ = ["brittleness_of"]

WEAKEST = 3
LITTLE = 0.02  # of accuracy: what a change may cost that is said to cost nothing much


def brittleness_of(
    name: str, changes: Sequence[Change], right: NDArray[np.int64], clean: float, pictures: int
) -> Brittleness:
    """What came of the battery for the approach that people know by this name.

    Parameters
    ----------
    changes : A changes.
    right : A×5, how many pictures were right after each change at each strength.
    clean : accuracy on the same pictures as they are.
    pictures : how many there were.
    """
    accuracy = right / pictures
    order = np.argsort(accuracy.mean(1), kind="stable")[:WEAKEST]
    return Brittleness(
        pictures=pictures,
        clean=clean,
        mean=float(accuracy.mean()),
        corruptions=[
            Corruption(change.name, change.words, change.strengths, [float(one) for one in some])
            for change, some in zip(changes, accuracy, strict=True)
        ],
        weakest=[changes[index].name for index in order],
        words=_words(name, [changes[index].name for index in order], accuracy, order, clean),
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
