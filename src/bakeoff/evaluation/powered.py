"""Prediction-powered inference: pictures without a label tighten the interval of the accuracy.

A model's confidence says of each picture how probably its answer is right. The mean confidence on
many pictures without a label, corrected by how wrong the confidence is on labelled pictures, is an
estimate of the accuracy with less variance than the share of right answers, and an unbiased one
however bad the confidence is (Angelopoulos et al., "Prediction-powered inference", 2023; the weight
is that of Angelopoulos, Duchi and Zrnic, "PPI++", 2023). Each model of a fold is asked for the
confidence, and their mean is taken, so that it is of the same models on both sides (Zrnic and
Candès, "Cross-prediction-powered inference", 2024).

It holds if pictures with and without a label are of one kind, such as pictures that were chosen at
random to be labelled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.intervals import Sampling, design_effect, share_interval, wilson
from bakeoff.evaluation.records import Powered

__all__ = ["FEWEST_ERRORS", "power", "powered"]

FEWEST_ERRORS = 10  # right and wrong answers each: with fewer, the weight is chance

Floats = NDArray[np.float64]


def power(right: NDArray[np.bool_], confidence: Floats, unlabelled: Floats) -> float:
    """The weight of the confidence, from 0 to 1, that gives the least variance.

    Parameters
    ----------
    right, confidence : n, of labelled pictures.
    unlabelled : N, the confidence for pictures without a label.
    """
    both = np.concatenate([confidence, unlabelled])
    spread = float(both.var()) * (1 + len(confidence) / len(unlabelled))
    if spread == 0:
        return 0.0
    together = float(np.mean((right - right.mean()) * (confidence - confidence.mean())))
    return float(np.clip(together / spread, 0, 1))


def powered(
    right: NDArray[np.bool_],
    confidence: Floats,
    unlabelled: Floats,
    sampling: Sampling,
) -> Powered | None:
    """The accuracy and its 95 % interval, also from pictures without a label.

    The variance is turned into a number of labelled pictures that would have it, for which the
    interval is Wilson's, as without unlabelled pictures; its upper end is moved in the same way.

    Parameters
    ----------
    right, confidence : n, of labelled pictures, out of fold.
    unlabelled : N, the mean confidence of the models of all folds.
    sampling : how the labelled pictures were scored.

    Returns
    -------
    None if there are fewer than `FEWEST_ERRORS` right or wrong answers, or if the interval would
    not be narrower.
    """
    count, hits = len(right), int(right.sum())
    if min(hits, count - hits) < FEWEST_ERRORS or not len(unlabelled):
        return None
    weight = power(right, confidence, unlabelled)
    rest = right - weight * confidence
    share = float(np.clip(weight * unlabelled.mean() + rest.mean(), 0, 1))
    variance = weight**2 * float(unlabelled.var()) / len(unlabelled)
    variance += float(rest.var()) / count * design_effect(rest, sampling.clusters)
    mean = hits / count
    worth = mean * (1 - mean) / variance
    low, high = wilson(share * worth, worth)
    interval = (low, high / (high + (1 - high) * sampling.gain))
    plain = share_interval(right, sampling)
    if interval[1] - interval[0] >= plain[1] - plain[0]:
        return None
    return Powered(pictures=len(unlabelled), accuracy=share, interval=interval, worth=worth)
