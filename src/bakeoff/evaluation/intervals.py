"""95 % intervals of scores that account for how the pictures were scored.

They are meant for the accuracy of the final model. The textbook interval of a share does not fit
it, for three reasons.

*Clusters.* Copies of a picture, or all drawings of one person, are right or wrong together and
carry less information than independent pictures. The variance of a mean of clusters (Kish 1965,
"Survey sampling") gives the number of independent pictures that they are worth.

*Folds.* Each picture is answered by a model that never saw it, and the pooled accuracy is as
normal around the mean accuracy of the folds' models as with independent pictures (Bayle et al.
2020, "Cross-validation confidence intervals for test error"): folds need no extra width. A
bootstrap over folds would resample only five items, and a t-interval over five folds is 1.5 times
as wide as necessary.

*Smaller training sets.* The final model trains on all pictures, those of the folds on fewer, so
they err more often (Bates, Hastie & Tibshirani 2023, "Cross-validation: what does it estimate and
how well does it do it?"). By how much is unknown but bounded: errors fall as a power of the number
of pictures, at most like its inverse (Ehrenfeucht et al. 1989, "A general lower bound on the
number of examples needed for learning"; Amari, Fujita & Shinomoto 1992, "Four types of learning
curves"). The upper end of the interval of an accuracy moves up by that bound and the lower end
stays. It moves in the odds of an error: for rare errors that is the same, and a score near
guessing hardly moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.records import Interval

__all__ = [
    "CERTAIN",
    "Sampling",
    "balanced_interval",
    "bootstrap",
    "cost_interval",
    "design_effect",
    "macro_f1_interval",
    "mean_interval",
    "share_interval",
    "wilson",
]

Z = 1.959964  # 95 % of a normal distribution lie within this many deviations of its mean
CERTAIN = (2.5, 97.5)  # percentiles of a 95 % interval
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Sampling:
    """How N pictures were scored.

    Attributes
    ----------
    clusters : N ids, equal for pictures that depend on each other; None: all are independent.
    train_size : training pictures of the models that were scored, on average.
    final_train_size : training pictures of the final model.
    """

    clusters: NDArray[np.integer] | None = None
    train_size: float = 1.0
    final_train_size: float = 1.0

    @property
    def gain(self) -> float:
        """The factor by which training on all pictures may at most reduce the odds of an error."""
        return float(min(1.0, self.train_size / self.final_train_size))

    def take(self, rows: NDArray[np.bool_]) -> Sampling:
        """The same for a selection of the pictures."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return Sampling(clusters, self.train_size, self.final_train_size)


def wilson(right: float, pictures: float) -> Interval:
    """The 95 % interval of a share of `right` out of `pictures`; (0, 1) without pictures.

    Wilson 1927, recommended by Brown, Cai & DasGupta 2001: unlike the textbook interval it is
    never empty at 100 % and never leaves 0–1. Counts may be fractions: clusters may be worth 12.5
    pictures.
    """
    if pictures <= 0:
        return (0.0, 1.0)
    share, square = right / pictures, Z**2 / pictures
    middle = (share + square / 2) / (1 + square)
    reach = Z / (1 + square) * math.sqrt(share * (1 - share) / pictures + square / pictures / 4)
    # Exactly 0 and 1 if none or all are right, whatever the rounding.
    low = max(0.0, middle - reach) if right > 0 else 0.0
    high = min(1.0, middle + reach) if right < pictures else 1.0
    return (low, high)


def share_interval(right: NDArray[np.bool_], sampling: Sampling) -> Interval:
    """The interval of the final model's accuracy.

    Wilson's, for as many independent pictures as the clusters are worth, with the upper end moved
    by what the final model may gain from more training pictures.

    Parameters
    ----------
    right : N, whether each answer is right.
    sampling : how the pictures were scored.
    """
    effect = design_effect(right.astype(np.float64), sampling.clusters)
    low, high = wilson(float(right.sum()) / effect, len(right) / effect)
    return (low, high / (high + (1 - high) * sampling.gain))


def mean_interval(values: NDArray[np.float64], sampling: Sampling) -> Interval:
    """The interval of a mean loss, by a bootstrap over clusters; (0, inf) without pictures.

    A few losses are large and most are small, so their mean is not normal; percentiles of 1 000
    resamples (Efron & Tibshirani 1993) do not assume that. Losses fall like errors, so the lower
    end moves down by the same factor as in `share_interval`.

    Parameters
    ----------
    values : N losses.
    sampling : how the pictures were scored.
    """
    if not len(values):
        return (0.0, math.inf)
    means = bootstrap(lambda rows: float(values[rows].mean()), len(values), sampling.clusters)
    low, high = np.percentile(means, CERTAIN)
    return (float(low) * sampling.gain, float(high))


def balanced_interval(
    right: NDArray[np.bool_], labels: NDArray[np.integer], sampling: Sampling
) -> Interval:
    """The interval of the final model's balanced accuracy.

    Wilson's intervals of the recalls, joined as those of independent numbers by their distances
    from the estimates (MOVER: Zou & Donner 2008), which keeps them honest for a class of three
    pictures that are all right. The upper end is moved as in `share_interval`.

    Parameters
    ----------
    right, labels : N, whether each answer is right, and the truth.
    """
    shares = []
    for label in np.unique(labels):
        members = labels == label
        part = right[members]
        effect = design_effect(part.astype(np.float64), sampling.take(members).clusters)
        shares.append((float(part.mean()), wilson(float(part.sum()) / effect, len(part) / effect)))
    return _mean_of_shares(shares, sampling, shared=1)


def macro_f1_interval(
    answers: NDArray[np.integer], labels: NDArray[np.integer], sampling: Sampling
) -> Interval:
    """The interval of the final model's macro F1.

    F1 is 2J / (1 + J) of the share J of right pictures among those that are of a class or called
    so; its interval follows from Wilson's for J. Each mistake counts against two classes, so
    their distances are joined as if each were there twice.

    Parameters
    ----------
    answers, labels : N.
    """
    shares = []
    for label in np.union1d(labels, answers):
        members = (labels == label) | (answers == label)
        part = (answers == labels)[members]
        effect = design_effect(part.astype(np.float64), sampling.take(members).clusters)
        low, high = wilson(float(part.sum()) / effect, len(part) / effect)
        shares.append((_f1(float(part.mean())), (_f1(low), _f1(high))))
    return _mean_of_shares(shares, sampling, shared=2)


def cost_interval(
    answers: NDArray[np.integer],
    labels: NDArray[np.integer],
    cost: NDArray[np.float64],
    sampling: Sampling,
) -> Interval:
    """The interval of the final model's mean cost.

    The mean cost is a sum: what each mistake costs, times its share of the pictures of a class,
    times the share of the class. Exact intervals of the former shares (Clopper & Pearson 1934) are
    joined as in `balanced_interval`, so a mistake that costs much and was not seen counts too. A
    bootstrap does not know of it: its intervals were empty for a model without a mistake, and where
    one mistake cost twenty times another, up to 42 % of them ended below the true cost. The lower
    end is moved as in `mean_interval`.

    Parameters
    ----------
    answers, labels : N.
    cost : K×K, what it costs to answer column for a picture of row.
    """
    mean = float(cost[labels, answers].mean())
    below, above = [], []
    for label in np.unique(labels):
        members = labels == label
        costs, clusters = cost[label, answers[members]], sampling.take(members).clusters
        for one in np.unique(cost[label]):
            part = costs == one
            effect = design_effect(part.astype(np.float64), clusters)
            low, high = _exact(float(part.sum()) / effect, len(part) / effect)
            scale = (one - cost[label].min()) * len(part) / len(labels)
            below.append(scale * (part.mean() - low))
            above.append(scale * (high - part.mean()))
    low = max(0.0, mean - float(np.linalg.norm(below)))
    return (low * sampling.gain, mean + float(np.linalg.norm(above)))


def _exact(hits: float, count: float) -> Interval:
    """Clopper and Pearson's interval of a share, for counts that need not be whole."""
    from scipy.stats import beta

    rare, usual = np.array(CERTAIN) / 100
    low = beta.ppf(rare, hits, count - hits + 1) if hits > 0 else 0.0
    high = beta.ppf(usual, hits + 1, count - hits) if hits < count else 1.0
    return float(low), float(high)


def _f1(share: float) -> float:
    return 2 * share / (1 + share)


def _mean_of_shares(
    shares: list[tuple[float, Interval]], sampling: Sampling, *, shared: int
) -> Interval:
    estimates = np.array([estimate for estimate, _ in shares])
    lows, highs = np.array([interval for _, interval in shares]).T
    mean, reach = float(estimates.mean()), math.sqrt(shared) / len(shares)
    low = max(0.0, mean - reach * float(np.linalg.norm(estimates - lows)))
    high = min(1.0, mean + reach * float(np.linalg.norm(highs - estimates)))
    return (low, high / (high + (1 - high) * sampling.gain))


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float],
    pictures: int,
    clusters: NDArray[np.integer] | None,
) -> NDArray[np.float64]:
    """A statistic of 1 000 bootstrap samples, drawn by whole clusters.

    Parameters
    ----------
    figure : the statistic of the pictures in these rows, some of which are repeated.
    pictures : N.
    clusters : N ids, or None.
    """
    rng = np.random.default_rng(0)  # the same pictures always have the same interval
    if clusters is None:
        return np.array([figure(rng.integers(0, pictures, pictures)) for _ in range(RESAMPLES)])
    order = np.argsort(clusters, kind="stable")
    _, starts, sizes = np.unique(clusters[order], return_index=True, return_counts=True)

    def sample() -> NDArray[np.int64]:
        drawn = rng.integers(0, len(sizes), len(sizes))
        # Where each drawn cluster begins in `order`, minus where it begins in the sample.
        shift = starts[drawn] - (np.cumsum(sizes[drawn]) - sizes[drawn])
        within = np.repeat(shift, sizes[drawn])
        rows: NDArray[np.int64] = order[within + np.arange(len(within))]
        return rows

    return np.array([figure(sample()) for _ in range(RESAMPLES)])


def design_effect(values: NDArray[np.float64], clusters: NDArray[np.integer] | None) -> float:
    """The design effect: the variance of a mean of clusters over that of independent pictures.

    At least 1. If all values are equal it cannot be estimated, and a cluster counts as one picture
    (the effect is then the mean size of the cluster that a picture is in).
    """
    if clusters is None or not len(values):
        return 1.0
    _, member, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) == len(values):
        return 1.0
    apart = values - values.mean()
    independent = float((apart**2).sum()) * len(values) / (len(values) - 1)
    if independent == 0 or len(sizes) == 1:
        return float((sizes**2).sum() / len(values))
    sums = np.bincount(member, apart)
    return max(1.0, float((sums**2).sum()) * len(sizes) / (len(sizes) - 1) / independent)
