"""Robustness of an approach to corruptions, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.corruptions import Corruption
from bakeoff.evaluation.records import CorruptionResult, Robustness
from bakeoff.said import Said, say

__all__ = ["robustness_of"]

WEAKEST = 3
LITTLE = 0.02  # of accuracy: an approach that never loses more is called robust


def robustness_of(
    name: str,
    corruptions: Sequence[Corruption],
    right: NDArray[np.int64],
    clean: float,
    pictures: int,
) -> Robustness:
    """The outcome of the corruption benchmark for one approach.

    Parameters
    ----------
    name : of the approach, for the words.
    corruptions : C of them.
    right : C×5, the number of right answers for each corruption at each strength.
    clean : accuracy on the same pictures without corruption.
    pictures : how many pictures were corrupted.
    """
    accuracy = right / pictures
    order = np.argsort(accuracy.mean(1), kind="stable")[:WEAKEST]
    return Robustness(
        pictures=pictures,
        clean=clean,
        mean=float(accuracy.mean()),
        corruptions=[
            CorruptionResult(
                corruption.name, str(corruption.words), list(corruption.strengths), shares.tolist()
            )
            for corruption, shares in zip(corruptions, accuracy, strict=True)
        ],
        weakest=[corruptions[index].name for index in order],
        words=_words(name, [corruptions[index].words for index in order], accuracy, order, clean),
    )


def _words(
    name: str,
    weakest: Sequence[Said],
    accuracy: NDArray[np.float64],
    order: NDArray[np.int64],
    clean: float,
) -> Said:
    mean = accuracy.mean(1)
    if clean - mean.min() <= LITTLE:
        points = f"{LITTLE * 100:g}"
        return say("robust.all", title=name, n=len(accuracy), points=points, clean=clean)
    worst, *others = (float(mean[index]) for index in order)
    return say(
        "robust.weakest",
        n=len(accuracy),
        weakest=weakest[0],
        title=name,
        mean=worst,
        strongest=float(accuracy[order[0], -1]),
        clean=clean,
        others=[
            say("robust.other", corruption=corruption, accuracy=share)
            for corruption, share in zip(weakest[1:], others, strict=True)
        ],
    )
