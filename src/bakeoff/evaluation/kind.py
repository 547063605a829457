"""Whether pictures are of the same kind as others, by how far both are from the training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["of_another_kind"]

OTHER = 0.01  # probability that pictures of the same kind are taken for another one


def of_another_kind(
    scores: NDArray[np.floating], held_out: NDArray[np.floating], *, among: int = 1
) -> bool:
    """Whether OOD scores are higher than others, by the rank test of Mann and Whitney (1947).

    Parameters
    ----------
    scores, held_out : n of the pictures in question and m of pictures that were held out.
    among : how many models are asked; one that says yes is enough.
    """
    from scipy.stats import mannwhitneyu

    return bool(mannwhitneyu(scores, held_out, alternative="greater").pvalue < OTHER / among)
