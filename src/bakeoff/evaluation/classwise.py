"""Class-wise calibration: whether each class is as frequent as its probabilities say.

The calibration error looks at the most probable class alone. A model may be calibrated there and
state 20 % for a class that is never true (Kull et al., "Beyond temperature scaling", 2019); costs
and the classes that remain possible rest on these probabilities. Bins are of equal mass, as in
`reliability` (Nixon et al., "Measuring calibration in deep learning", 2019).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["classwise_errors", "classwise_null_level"]

BINS = 15
SAMPLES = 100  # simulated sets of perfectly calibrated probabilities
MOST = 2_000_000  # probabilities; more would take seconds


def classwise_errors(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """How far the stated and the true frequency of each class differ, over all pictures: K.

    Parameters
    ----------
    probabilities : N×K, rows sum to one.
    labels : N, the true classes.
    """
    return _errors(_binned(probabilities), labels)


def classwise_null_level(probabilities: NDArray[np.floating]) -> float | None:
    """The mean error that perfectly calibrated probabilities exceed by chance in 5 % of cases.

    By consistency resampling, as `calibration_null_level`; None where that would take long.
    """
    if probabilities.size > MOST:
        return None
    binned, shares = _binned(probabilities), probabilities.astype(np.float64).cumsum(axis=1)
    rng = np.random.default_rng(0)
    means = []
    for _ in range(SAMPLES):
        drawn = (rng.random((len(shares), 1)) * shares[:, -1:] >= shares).sum(axis=1)
        means.append(_errors(binned, np.minimum(drawn, shares.shape[1] - 1)).mean())
    return float(np.quantile(means, 0.95))


def _binned(
    probabilities: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The bin of each of N×K probabilities, and the sum of each of K×`BINS` bins."""
    count, classes = probabilities.shape
    cuts = np.linspace(0, count, BINS, endpoint=False).astype(np.int64)
    bins = np.empty((count, classes), dtype=np.int64)
    sums = np.empty((classes, BINS))
    for label in range(classes):
        stated = probabilities[:, label].astype(np.float64)
        # Equal probabilities share a bin, so that the order of the pictures does not matter.
        starts = np.unique(np.sort(stated)[cuts])
        bins[:, label] = np.searchsorted(starts, stated, side="right") - 1
        sums[label] = np.bincount(bins[:, label], stated, minlength=BINS)
    return bins, sums


def _errors(
    binned: tuple[NDArray[np.int64], NDArray[np.float64]], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    bins, sums = binned
    cells = labels * BINS + bins[np.arange(len(labels)), labels]
    true = np.bincount(cells, minlength=sums.size).reshape(sums.shape)
    errors: NDArray[np.float64] = np.abs(sums - true).sum(axis=1) / len(labels)
    return errors
