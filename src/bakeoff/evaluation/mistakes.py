"""Mistakes and confused pairs of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.evaluation.metrics import losses
from bakeoff.evaluation.records import ConfusedPair, Mistake

__all__ = ["confused_pairs", "mistakes"]


def mistakes(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    names: Sequence[str],
    rows: NDArray[np.integer],
) -> list[Mistake]:
    """The wrong answers by descending loss, then by row.

    Parameters
    ----------
    probabilities : N×K, rows sum to one.
    labels : N, the true classes.
    classes : K names.
    names : names of all pictures of the dataset.
    rows : N, the rows of the scored pictures in the dataset.
    """
    answers = probabilities.argmax(axis=1)
    loss = losses(probabilities, labels)
    wrong = np.flatnonzero(answers != labels)
    ranked = wrong[np.lexsort((rows[wrong], -loss[wrong]))]
    return [
        Mistake(
            index=int(rows[i]),
            name=names[rows[i]],
            truth=classes[labels[i]],
            answer=classes[answers[i]],
            probability=float(probabilities[i, answers[i]]),
            truth_probability=float(probabilities[i, labels[i]]),
            loss=float(loss[i]),
        )
        for i in ranked
    ]


def confused_pairs(
    confusion: ArrayLike, classes: Sequence[str], most: int = 10
) -> list[ConfusedPair]:
    """The `most` frequent confusions, by count, then by share of the true class.

    Parameters
    ----------
    confusion : K×K counts; row the truth, column the answer.
    classes : K names.
    """
    counts = np.array(confusion, dtype=np.int64)
    pictures = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    pairs = [
        ConfusedPair(
            truth=classes[truth],
            answer=classes[answer],
            count=int(counts[truth, answer]),
            share=float(counts[truth, answer] / pictures[truth]),
        )
        for truth, answer in np.argwhere(counts)
    ]
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share))[:most]
