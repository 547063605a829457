"""How far a score can be believed: 95 % intervals that know how the pictures were scored.

What is asked of a run is how good the model is that one carries away, and three things make the
textbook's interval of a share the wrong answer.

*Pictures that hang together.* Copies of a picture, or all that one person drew, are right or
wrong together and count for fewer pictures than they are. The variance of a mean of clusters
(Kish 1965, "Survey sampling") says for how many.

*Folds.* Each picture is answered by a model that never saw it, and the pooled share of right
answers is as normal around the mean accuracy of the folds' models as that of independent pictures
(Bayle et al. 2020, "Cross-validation confidence intervals for test error"): no more width is due
for folds as such. A bootstrap over folds would resample five things, and a t-interval over five
folds is half as wide again as need be.

*Pictures that the folds' models did without.* The model carried away learns from all pictures,
those of the folds from fewer, so they err more often (Bates, Hastie & Tibshirani 2023,
"Cross-validation: what does it estimate and how well does it do it?"). How much is not known, but
bounded: errors fall as a power of the number of pictures, and no faster than its inverse
(Ehrenfeucht et al. 1989, "A general lower bound on the number of examples needed for learning";
Amari, Fujita & Shinomoto 1992, "Four types of learning curves"). The better end of an interval
goes so far, and the worse end stays where it is. It goes there by the odds of an error, which for
rare errors is the same, and far from it spares what is no better than guessing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.records import Interval

__all__ = ["CERTAIN", "Sampling", "bootstrap", "mean_interval", "share_interval", "wilson"]

Z = 1.959964  # 95 % of a normal distribution lie so many deviations around its mean
CERTAIN = (2.5, 97.5)  # percentiles
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Sampling:
    """How N scored pictures came to be scored.

    Attributes
    ----------
    clusters : N ids, the same for pictures that hang together; None where each is on its own.
    train_size : pictures that the models learned from which answered, in the mean.
    final_train_size : pictures that the model carried away learns from.
    """

    clusters: NDArray[np.integer] | None = None
    train_size: float = 1.0
    final_train_size: float = 1.0

    @property
    def gain(self) -> float:
        """What the odds of an error may shrink to, at the most, by learning from all pictures."""
        return float(min(1.0, self.train_size / self.final_train_size))

    def take(self, rows: NDArray[np.bool_]) -> Sampling:
        """That of some of the pictures."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return Sampling(clusters, self.train_size, self.final_train_size)


def wilson(right: float, pictures: float) -> Interval:
    """The 95 % interval of a share of `right` out of `pictures`; (0, 1) where there are none.

    Wilson 1927, the one that Brown, Cai & DasGupta 2001 advise: unlike the textbook ± it is never
    empty at 100 % and never leaves 0–1. Counts need not be whole: clusters may be worth 12.5
    pictures.
    """
    if pictures <= 0:
        return (0.0, 1.0)
    share, square = right / pictures, Z**2 / pictures
    middle = (share + square / 2) / (1 + square)
    reach = Z / (1 + square) * math.sqrt(share * (1 - share) / pictures + square / pictures / 4)
    # Rounding aside, the ends are 0 and 1 where none or all are right.
    low = max(0.0, middle - reach) if right > 0 else 0.0
    high = min(1.0, middle + reach) if right < pictures else 1.0
    return (low, high)


def share_interval(right: NDArray[np.bool_], sampling: Sampling) -> Interval:
    """The interval of the share of pictures that the model carried away has right.

    Wilson's, for as many pictures as the clusters are worth, with the better end moved by what
    the model may gain from pictures that the folds' models did without.

    Parameters
    ----------
    right : N, whether each picture was answered right.
    """
    effect = _design_effect(right.astype(np.float64), sampling.clusters)
    low, high = wilson(float(right.sum()) / effect, len(right) / effect)
    return (low, high / (high + (1 - high) * sampling.gain))


def mean_interval(values: NDArray[np.float64], sampling: Sampling) -> Interval:
    """The interval of a mean loss, by the bootstrap over clusters; (0, inf) without pictures.

    Losses are many small ones and a few large, so their mean is not normal; percentiles of 1 000
    resamples (Efron & Tibshirani 1993) need not assume it. As losses fall like errors, the lower
    end moves as that of `share_interval` does.

    Parameters
    ----------
    values : N losses.
    """
    if not len(values):
        return (0.0, math.inf)
    means = bootstrap(lambda rows: float(values[rows].mean()), len(values), sampling.clusters)
    low, high = np.percentile(means, CERTAIN)
    return (float(low) * sampling.gain, float(high))


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float],
    pictures: int,
    clusters: NDArray[np.integer] | None,
) -> NDArray[np.float64]:
    """A figure of each of 1 000 sets of pictures drawn anew, whole clusters at a time.

    Parameters
    ----------
    figure : of the pictures in these rows, of which some come more than once.
    pictures : N.
    clusters : N ids, or None.
    """
    rng = np.random.default_rng(0)  # the same pictures, the same interval
    if clusters is None:
        return np.array([figure(rng.integers(0, pictures, pictures)) for _ in range(RESAMPLES)])
    order = np.argsort(clusters, kind="stable")
    _, starts, sizes = np.unique(clusters[order], return_index=True, return_counts=True)

    def drawn() -> NDArray[np.int64]:
        some = rng.integers(0, len(sizes), len(sizes))
        # Where each drawn cluster begins in `order`, less where it begins among those drawn.
        shift = starts[some] - (np.cumsum(sizes[some]) - sizes[some])
        within = np.repeat(shift, sizes[some])
        rows: NDArray[np.int64] = order[within + np.arange(len(within))]
        return rows

    return np.array([figure(drawn()) for _ in range(RESAMPLES)])


def _design_effect(values: NDArray[np.float64], clusters: NDArray[np.integer] | None) -> float:
    """How many times the variance of a mean of clusters is that of as many single pictures.

    Never below 1. Where all values are the same nothing tells, and a cluster counts as one
    picture (the effect is then the mean size of the cluster that a picture lies in).
    """
    if clusters is None or not len(values):
        return 1.0
    _, member, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) == len(values):
        return 1.0
    apart = values - values.mean()
    alone = float((apart**2).sum()) * len(values) / (len(values) - 1)
    if alone == 0 or len(sizes) == 1:
        return float((sizes**2).sum() / len(values))
    sums = np.bincount(member, apart)
    return max(1.0, float((sums**2).sum()) * len(sizes) / (len(sizes) - 1) / alone)
