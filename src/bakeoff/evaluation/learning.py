"""Would more pictures help? A power law through accuracies at growing sizes, and what it forecasts.

The error is taken to fall as floor + scale · pictures ** -exponent, the law that Figueroa et al.
2012 ("Predicting sample size required for classification performance") fit to small sets and
Hestness et al. 2017 ("Deep learning scaling is predictable, empirically") found over six orders of
magnitude. Four points leave floor and exponent open, so nothing is picked: every pair on a grid is
weighed by how well it fits, and the forecast is the mixture of what all of them say. It is exact
(no sampling), so the same run gives the same interval. A parametric bootstrap of the one best fit
was not taken: at four points its floor sticks to 0 or to the last point, and the interval with it.

Three sources of error are told apart, in the logarithm of the error, where the law is a line:

- the pictures that score: the same ones at every size, so a lucky set lifts the whole curve. Their
  covariance is counted picture by picture;
- the fit: how much folds differ by more than their pictures explain, for folds that share training
  pictures (Nadeau & Bengio 2003);
- the law itself: curves bend (Viering & Loog 2022, "The shape of learning curves: a review"). A
  random walk away from it, 10 % of the error a doubling, counts near sizes more than far ones and
  widens the forecast with its distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bakeoff.data.words import spaced
from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.records import CurvePoint, Forecast, Interval, LearningCurve

__all__ = ["LEAST_POINTS", "TIMES", "learning_curve"]

TIMES = (2.0, 4.0)  # as many pictures are forecast
LEAST_POINTS = 3
BEND = 0.1  # of the error by which a curve strays from its law with every doubling
# Fits on as many other pictures differ by about a tenth of the error; so much is believed before
# anything is seen, with the weight of so many differences.
FIT_SPREAD, FIT_BELIEF = 0.1, 6

# Hestness et al. find 0.07 to 0.35 on large sets, theory has 0.5, and small sets of clean pictures
# fall faster, at most like 1 / pictures. None is likelier than another before anything is seen.
EXPONENTS = np.linspace(0.02, 1.0, 50)
FLOORS = np.linspace(0.0, 0.98, 50)  # as shares of the error at the largest size

FEWER_ERRORS = 0.1  # four times the pictures must save so many of the errors to be worth a word
LIFT = 0.003  # and as much accuracy
STEEPEST_FLAT = 0.15  # most that the logarithm of the error may fall with a doubling to be flat
WIDEST = 0.2  # of an interval for twice the pictures that still says something

Floats = NDArray[np.float64]


def learning_curve(
    name: str,
    pictures: Sequence[float],
    right: NDArray[np.bool_],
    fold_of: NDArray[np.integer],
    *,
    learnable: int,
    chance: float,
) -> LearningCurve:
    """The curve through S sizes, and the accuracy to expect of 2 and 4 times `learnable` pictures.

    Where a curve cannot be drawn (fewer than three sizes at which more than chance was learnt)
    there are no forecasts, the law is the error at the largest size, and `words` say why.

    Parameters
    ----------
    name : of the approach, for the words.
    pictures : S, how many a fit learnt from at each size, ascending.
    right : S×N, whether each of the N pictures was right when its fold learnt from that size.
    fold_of : N, the fold that held out each picture, from 0; two folds or more.
    learnable : pictures that the final model learns from.
    chance : accuracy of always naming the most frequent class.
    """
    sizes = np.asarray(pictures, dtype=np.float64)
    points = [
        CurvePoint(round(size), float(row.mean()), wilson(int(row.sum()), len(row)), folds)
        for size, row, folds in zip(
            sizes, right, [len(np.unique(fold_of))] * len(sizes), strict=True
        )
    ]
    # Where nothing is learnt yet the error does not fall; the law begins after that.
    learnt = [point.interval[0] > chance for point in points]
    first = len(learnt) - next(
        (n for n, one in enumerate(reversed(learnt)) if not one), len(learnt)
    )
    if len(points) - first < LEAST_POINTS:
        error = 1 - points[-1].accuracy
        return LearningCurve(points, error, 0.0, 0.0, [], _why_not(name, points, first))
    seen = _Seen.of(sizes[first:], ~right[first:], fold_of)
    law = _Law.fit(seen)
    now, *expected = (law.expect(times * learnable) for times in (1.0, *TIMES))
    forecasts = [
        Forecast(times, round(times * learnable), accuracy, interval)
        for times, (accuracy, interval) in zip(TIMES, expected, strict=True)
    ]
    floor, scale, exponent = law.nearest([*seen.sizes, *(t * learnable for t in (1.0, *TIMES))])
    words = _words(name, learnable, now[0], forecasts, points, seen)
    return LearningCurve(points, floor, scale, exponent, forecasts, words)


@dataclass(frozen=True)
class _Seen:
    """What was measured: S sizes, the logarithm of the error at each, and its covariance."""

    sizes: Floats
    log_error: Floats
    covariance: Floats
    fit_variance: float

    @classmethod
    def of(cls, sizes: Floats, problem: NDArray[np.bool_], fold_of: NDArray[np.integer]) -> _Seen:
        count, folds = problem.shape[1], len(np.unique(fold_of))
        error = _smooth(sizes, problem)
        log_error = np.log(error) + (problem.mean(axis=1) - error) / error
        spread = np.sqrt((1 - error) / (error * count))
        fit_variance = _fit_variance(problem, error, fold_of)
        shared = fit_variance * (1 / folds + 1 / (folds - 1))
        return cls(
            sizes,
            log_error,
            _correlation(problem) * np.outer(spread, spread) + shared * np.eye(len(sizes)),
            fit_variance,
        )

    def fall(self) -> tuple[float, float]:
        """By how much the logarithm of the error fell from the first size to the last, ± what."""
        ends = np.zeros(len(self.sizes))
        ends[0], ends[-1] = 1, -1
        return float(ends @ self.log_error), math.sqrt(ends @ self.covariance @ ends)


def _smooth(sizes: Floats, problem: NDArray[np.bool_]) -> Floats:
    """The error at each size by a power law without a floor (McCullagh & Nelder's log link).

    Measured errors are weighed by what it expects, not by themselves: of few errors, those that
    are many by luck would look the surest, and all would be seen as worse than it is.
    """
    # Half an error more at each size: none at all is a small share, not nothing.
    share = (problem.sum(axis=1) + 0.5) / (problem.shape[1] + 1)
    away, log_error = np.log(sizes / sizes[-1]), np.log(share)
    for _ in range(10):
        error = np.exp(log_error)
        line = np.polyfit(away, log_error + (share - error) / error, 1, w=np.sqrt(error))
        log_error = np.polyval(line, away).clip(max=-1e-3)
    smoothed: Floats = np.exp(log_error)
    return smoothed


def _correlation(problem: NDArray[np.bool_]) -> Floats:
    """S×S: pictures that are hard at one size are hard at the next."""
    deviation = problem - problem.mean(axis=1, keepdims=True)
    length = np.sqrt((deviation**2).sum(axis=1))
    unit = deviation / np.where(length > 0, length, 1)[:, None]
    correlation: Floats = unit @ unit.T
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _fit_variance(problem: NDArray[np.bool_], error: Floats, fold_of: NDArray[np.integer]) -> float:
    """Variance of the logarithm of the error from fit to fit.

    By how much folds differ in what the step from a smaller size to the largest changed, beyond
    what their pictures explain (the moments of DerSimonian & Laird 1986). Taking differences
    leaves out that one fold holds out harder pictures than another.
    """
    count = problem.shape[1]
    _, fold_of, held_out = np.unique(fold_of, return_inverse=True, return_counts=True)
    freedom = len(held_out) - 1
    spread = count - (held_out**2).sum() / count
    beyond = expected = 0.0
    for row, its_error in zip(problem[:-1], error[:-1], strict=True):
        change = row.astype(np.float64) - problem[-1]
        by_fold = np.bincount(fold_of, change) / held_out
        between = (held_out * (by_fold - change.mean()) ** 2).sum()
        beyond += between - freedom * ((change - by_fold[fold_of]) ** 2).mean()
        expected += spread * (its_error**2 + error[-1] ** 2)
    weight = freedom * (len(problem) - 1)
    found = max(0.0, beyond / expected)
    return float((FIT_BELIEF * FIT_SPREAD**2 + weight * found) / (FIT_BELIEF + weight))


@dataclass(frozen=True)
class _Law:
    """Every exponent and floor on the grid, and how much each is to be believed.

    The logarithm of the error at n pictures is level + log(floor + (1 - floor) (n / largest)
    ** -exponent); the level that fits each pair best is found in one step, as all is Gaussian.
    """

    largest: float
    belief: Floats
    level: Floats
    level_variance: float
    fit_variance: float

    @classmethod
    def fit(cls, seen: _Seen) -> _Law:
        largest = float(seen.sizes[-1])
        away = np.log2(largest / seen.sizes)
        precision = np.linalg.inv(seen.covariance + BEND**2 * np.minimum.outer(away, away))
        rest = seen.log_error - _shape(seen.sizes / largest)
        level = rest @ precision.sum(axis=0) / precision.sum()
        off = rest - level[..., None]
        misfit = np.einsum("efs,st,eft->ef", off, precision, off)
        # Most small sets are far from their floor: a quarter of the error, with this belief.
        log_belief = 2 * np.log(1 - FLOORS)[None, :] - misfit / 2
        belief = np.exp(log_belief - log_belief.max())
        return cls(
            largest, belief / belief.sum(), level, float(1 / precision.sum()), seen.fit_variance
        )

    def expect(self, pictures: float) -> tuple[float, Interval]:
        """The accuracy of a fit on so many pictures: the likeliest half-way, and 95 %."""
        mean = (self.level + _shape(np.array([pictures / self.largest]))[..., 0]).ravel()
        away = abs(math.log2(pictures / self.largest))
        spread = math.sqrt(self.level_variance + BEND**2 * away + self.fit_variance)
        at = np.linspace(mean.min() - 4 * spread, mean.max() + 4 * spread, 400)
        belief, edges = np.histogram(mean, 200, weights=self.belief.ravel())
        below = ndtr((at[:, None] - (edges[1:] + edges[:-1]) / 2) / spread) @ belief
        low, middle, high = np.exp(np.interp([0.025, 0.5, 0.975], below, at)).clip(max=1.0)
        return float(1 - middle), (float(1 - high), float(1 - low))

    def nearest(self, sizes: Sequence[float]) -> tuple[float, float, float]:
        """Floor, scale and exponent of the one curve that is nearest to what is expected."""
        expected = np.log([1 - self.expect(size)[0] for size in sizes])
        rest = expected - _shape(np.asarray(sizes) / self.largest)
        e, f = np.unravel_index(rest.var(axis=-1).argmin(), self.belief.shape)
        error, exponent, floor = math.exp(rest[e, f].mean()), float(EXPONENTS[e]), float(FLOORS[f])
        return floor * error, (1 - floor) * error * self.largest**exponent, exponent


def _shape(share: Floats) -> Floats:
    """Exponents × floors × shares of the largest size: the logarithm of the error over its own."""
    falling = share ** -EXPONENTS[:, None, None]
    floor = FLOORS[None, :, None]
    logarithm: Floats = np.log(floor + (1 - floor) * falling)
    return logarithm


def _why_not(name: str, points: Sequence[CurvePoint], first: int) -> str:
    most = spaced(points[-1].pictures)
    if len(points) < LEAST_POINTS:
        return (
            f"Too few pictures to say whether more would help {name}: "
            f"{most} cannot be halved twice."
        )
    if first == len(points):
        return (
            f"{name} is no better than always naming the most frequent class, with {most} "
            "pictures as with fewer, so nothing says that more of them would help."
        )
    return (
        f"Too noisy to say how far more pictures would lift {name}: it begins to learn at "
        f"{spaced(points[first].pictures)}, too near the {most} at hand."
    )


def _words(
    name: str,
    learnable: int,
    now: float,
    forecasts: Sequence[Forecast],
    points: Sequence[CurvePoint],
    seen: _Seen,
) -> str:
    twice, most = forecasts[0], forecasts[-1]
    if points[-1].accuracy == 1:
        return (
            f"More pictures would hardly help {name}: with {spaced(points[-1].pictures)} it is "
            "right on every picture that it had not seen."
        )
    fell, spread = seen.fall()
    doublings = math.log2(seen.sizes[-1] / seen.sizes[0])
    low, high = twice.interval
    told = _told if now < 0.99 else _told_finely
    falls = fell > 1.645 * spread
    flat = fell + 1.96 * spread < STEEPEST_FLAT * doublings
    if high - low > WIDEST or not (falls or flat):
        return (
            f"Too noisy to say whether more pictures would help {name}: with twice as many "
            f"({spaced(twice.pictures)}) it may reach anything from {told(low)} to {told(high)} %."
        )
    lift = most.accuracy - now
    if not falls or lift < LIFT or lift < FEWER_ERRORS * (1 - now):
        return (
            f"More pictures would hardly help {name}: with four times as many "
            f"({spaced(most.pictures)}) it would likely reach {told(most.accuracy)} %, after "
            f"{told(now)} % with all {spaced(learnable)}."
        )
    first, second = (
        f"{told(one.accuracy)} % ({told(one.interval[0])} to {told(one.interval[1])} %)"
        for one in (twice, most)
    )
    return (
        f"Twice as many pictures ({spaced(twice.pictures)}) would likely lift {name} from "
        f"{told(now)} % with all {spaced(learnable)} to {first}, four times as many "
        f"({spaced(most.pictures)}) to {second}."
    )


def _told(share: float) -> str:
    return f"{100 * share:.1f}"


def _told_finely(share: float) -> str:
    """For where less than one picture in a hundred is wrong."""
    return f"{100 * share:.2f}"
