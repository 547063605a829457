"""What a graph gives for pictures, checked: it may be a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.graph import OUTPUTS
from bakeoff.errors import BakeoffError

__all__ = ["UNTRUSTED_HINT", "Outcome", "checked_outcome", "expect_shape"]

ROUNDING = 1e-3  # of the sum of probabilities, in few bits
UNTRUSTED_HINT = "Use only bundles made by bakeoff, from people you trust"

Outcome: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""N×K probabilities, N OOD scores and N×E embeddings."""


def checked_outcome(
    name: str, outputs: Sequence[NDArray[np.float32]], pictures: int, classes: int, embedding: int
) -> Outcome:
    """The three outputs of a graph for N pictures, if they are what they should be.

    Raises
    ------
    BakeoffError
        An output has another shape, or the probabilities are none.
    """
    probabilities, ood_scores, embeddings = outputs
    expected = ((pictures, classes), (pictures,), (pictures, embedding))
    for output, array, shape in zip(OUTPUTS, outputs, expected, strict=True):
        expect_shape(name, output, array, shape)
    sums = probabilities.sum(axis=1)
    # Written so that NaN, for which every comparison is false, is refused too.
    proper = probabilities.min() >= -ROUNDING and np.abs(sums - 1).max() <= ROUNDING
    if not (proper and np.isfinite(ood_scores).all()):
        raise BakeoffError(name, "its graph gives no probabilities", UNTRUSTED_HINT)
    return probabilities, ood_scores, embeddings


def expect_shape(
    name: str, output: str, array: NDArray[np.float32], shape: tuple[int, ...]
) -> None:
    """Refuse an output of another shape.

    Raises
    ------
    BakeoffError
        It has one.
    """
    if array.shape != shape:
        problem = f"the shape of its graph's output {output} contradicts bundle.json"
        raise BakeoffError(name, problem, UNTRUSTED_HINT)
