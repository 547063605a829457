"""Would more pictures help? A power law through the learning curve, and forecasts from it.

The error is assumed to fall as floor + scale · pictures ** -exponent, the law that Figueroa et al.
2012 ("Predicting sample size required for classification performance") fit to small sets and
Hestness et al. 2017 ("Deep learning scaling is predictable, empirically") found over six orders of
magnitude. Four points do not determine floor and exponent, so no single pair is chosen: every pair
on a grid is weighted by how well it fits, and the forecast is the mixture of all. The computation
is exact (no sampling), so the same run gives the same interval. A parametric bootstrap of the best
fit was rejected: with four points its floor sticks to 0 or to the last point, and so does the
interval.

Three sources of error are separated, in the logarithm of the error, where the law is a line:

- the scored pictures: they are the same at every size, so an easy sample lifts the whole curve.
  Their covariance is computed from the answers to each picture;
- the fits: how much more folds differ than their pictures explain, for folds that share training
  pictures (Nadeau & Bengio 2003);
- the law itself: curves bend (Viering & Loog 2022, "The shape of learning curves: a review"). A
  random walk away from the law, 10 % of the error per doubling, gives nearby sizes more weight
  than distant ones and widens the forecast with its distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.records import CurvePoint, Forecast, Interval, LearningCurve
from bakeoff.said import Said, say

__all__ = ["LEAST_POINTS", "TIMES", "learning_curve"]

TIMES = (2.0, 4.0)  # multiples of the pictures to forecast
LEAST_POINTS = 3
BEND = 0.1  # of the error: standard deviation of a curve from its law per doubling
# Fits on other pictures of the same number differ by about a tenth of the error: the prior, and
# the number of observed differences that it weighs as much as.
FIT_SPREAD, FIT_WEIGHT = 0.1, 6

# Hestness et al. find 0.07 to 0.35 on large sets, theory has 0.5, and errors on small sets of
# clean pictures fall faster, at most like 1 / pictures. The prior is uniform.
EXPONENTS = np.linspace(0.02, 1.0, 50)
FLOORS = np.linspace(0.0, 0.98, 50)  # as shares of the error at the largest size

FEWER_ERRORS = 0.1  # share of errors that four times the pictures must save to be worthwhile,
LIFT = 0.003  # and accuracy that they must gain
STEEPEST_FLAT = 0.15  # a curve is flat if the log error falls by less than this per doubling
FINE = 0.99  # accuracy from which shares have two decimals
WIDEST = 0.2  # the widest useful interval for twice the pictures

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
    """Fit a curve through S sizes, and forecast accuracy at 2 and 4 times `learnable` pictures.

    If fewer than three sizes are better than chance there are no forecasts, the law is the error
    at the largest size, and `words` says why.

    Parameters
    ----------
    name : of the approach, for the words.
    pictures : S, training pictures per fit at each size, ascending.
    right : S×N, whether each of the N pictures was right after training on that size.
    fold_of : N, the fold that held out each picture, from 0; at least two folds.
    learnable : training pictures of the final model.
    chance : accuracy of always answering the most frequent class.
    """
    sizes = np.asarray(pictures, dtype=np.float64)
    points = [
        CurvePoint(round(size), float(row.mean()), wilson(int(row.sum()), len(row)), folds)
        for size, row, folds in zip(
            sizes, right, [len(np.unique(fold_of))] * len(sizes), strict=True
        )
    ]
    # As long as models are no better than chance the error does not fall; the law begins after.
    learned = [point.interval[0] > chance for point in points]
    first = len(learned) - next(
        (n for n, above in enumerate(reversed(learned)) if not above), len(learned)
    )
    if len(points) - first < LEAST_POINTS:
        error = 1 - points[-1].accuracy
        return LearningCurve(points, error, 0.0, 0.0, [], _why_not(name, points, first))
    measured = _Measured.of(sizes[first:], ~right[first:], fold_of)
    law = _Law.fit(measured)
    now, *expected = (law.expect(times * learnable) for times in (1.0, *TIMES))
    forecasts = [
        Forecast(times, round(times * learnable), accuracy, interval)
        for times, (accuracy, interval) in zip(TIMES, expected, strict=True)
    ]
    floor, scale, exponent = law.nearest([*measured.sizes, *(t * learnable for t in (1.0, *TIMES))])
    words = _words(name, learnable, now[0], forecasts, points, measured)
    return LearningCurve(points, floor, scale, exponent, forecasts, words)


@dataclass(frozen=True)
class _Measured:
    """The measurements: S sizes, the logarithm of the error at each, and its covariance."""

    sizes: Floats
    log_error: Floats
    covariance: Floats
    fit_variance: float

    @classmethod
    def of(cls, sizes: Floats, wrong: NDArray[np.bool_], fold_of: NDArray[np.integer]) -> _Measured:
        count, folds = wrong.shape[1], len(np.unique(fold_of))
        error = _smooth(sizes, wrong)
        log_error = np.log(error) + (wrong.mean(axis=1) - error) / error
        spread = np.sqrt((1 - error) / (error * count))
        fit_variance = _fit_variance(wrong, error, fold_of)
        shared = fit_variance * (1 / folds + 1 / (folds - 1))
        return cls(
            sizes,
            log_error,
            _correlation(wrong) * np.outer(spread, spread) + shared * np.eye(len(sizes)),
            fit_variance,
        )

    def fall(self) -> tuple[float, float]:
        """How far the log error fell from the first size to the last, and the standard error."""
        ends = np.zeros(len(self.sizes))
        ends[0], ends[-1] = 1, -1
        return float(ends @ self.log_error), math.sqrt(ends @ self.covariance @ ends)


def _smooth(sizes: Floats, wrong: NDArray[np.bool_]) -> Floats:
    """The error at each size by a power law without a floor (McCullagh & Nelder's log link).

    Measured errors are weighted by the fitted ones: weighted by themselves, sizes with many errors
    by chance would look the most precise and bias the curve upwards.
    """
    # Half an error more at each size, so that no errors are a small share and not 0.
    share = (wrong.sum(axis=1) + 0.5) / (wrong.shape[1] + 1)
    away, log_error = np.log(sizes / sizes[-1]), np.log(share)
    for _ in range(10):
        error = np.exp(log_error)
        line = np.polyfit(away, log_error + (share - error) / error, 1, w=np.sqrt(error))
        log_error = np.polyval(line, away).clip(max=-1e-3)
    smoothed: Floats = np.exp(log_error)
    return smoothed


def _correlation(wrong: NDArray[np.bool_]) -> Floats:
    """The correlation of errors between sizes, S×S: hard pictures are hard at every size."""
    deviation = wrong - wrong.mean(axis=1, keepdims=True)
    length = np.sqrt((deviation**2).sum(axis=1))
    unit = deviation / np.where(length > 0, length, 1)[:, None]
    correlation: Floats = unit @ unit.T
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _fit_variance(wrong: NDArray[np.bool_], error: Floats, fold_of: NDArray[np.integer]) -> float:
    """The variance of the log error between fits.

    It is estimated from how differently folds change between a smaller size and the largest,
    beyond what their pictures explain (method of moments, DerSimonian & Laird 1986). Differences
    cancel that some folds hold out harder pictures than others.
    """
    count = wrong.shape[1]
    _, fold_of, held_out = np.unique(fold_of, return_inverse=True, return_counts=True)
    freedom = len(held_out) - 1
    spread = count - (held_out**2).sum() / count
    beyond = expected = 0.0
    for row, its_error in zip(wrong[:-1], error[:-1], strict=True):
        change = row.astype(np.float64) - wrong[-1]
        by_fold = np.bincount(fold_of, change) / held_out
        between = (held_out * (by_fold - change.mean()) ** 2).sum()
        beyond += between - freedom * ((change - by_fold[fold_of]) ** 2).mean()
        expected += spread * (its_error**2 + error[-1] ** 2)
    weight = freedom * (len(wrong) - 1)
    estimate = max(0.0, beyond / expected)
    return float((FIT_WEIGHT * FIT_SPREAD**2 + weight * estimate) / (FIT_WEIGHT + weight))


@dataclass(frozen=True)
class _Law:
    """Every exponent and floor on the grid, with its posterior probability.

    The log error at n pictures is level + log(floor + (1 - floor) (n / largest) ** -exponent); the
    best level for each pair has a closed form, since all terms are Gaussian.
    """

    largest: float
    posterior: Floats
    level: Floats
    level_variance: float
    fit_variance: float

    @classmethod
    def fit(cls, measured: _Measured) -> _Law:
        largest = float(measured.sizes[-1])
        away = np.log2(largest / measured.sizes)
        precision = np.linalg.inv(measured.covariance + BEND**2 * np.minimum.outer(away, away))
        rest = measured.log_error - _shape(measured.sizes / largest)
        level = rest @ precision.sum(axis=0) / precision.sum()
        off = rest - level[..., None]
        misfit = np.einsum("efs,st,eft->ef", off, precision, off)
        # The prior for floors: small sets are far from theirs, on average a quarter of the error.
        log_posterior = 2 * np.log(1 - FLOORS)[None, :] - misfit / 2
        posterior = np.exp(log_posterior - log_posterior.max())
        return cls(
            largest,
            posterior / posterior.sum(),
            level,
            float(1 / precision.sum()),
            measured.fit_variance,
        )

    def expect(self, pictures: float) -> tuple[float, Interval]:
        """The accuracy of a fit on `pictures` pictures: the median, and the 95 % interval."""
        mean = (self.level + _shape(np.array([pictures / self.largest]))[..., 0]).ravel()
        away = abs(math.log2(pictures / self.largest))
        spread = math.sqrt(self.level_variance + BEND**2 * away + self.fit_variance)
        at = np.linspace(mean.min() - 4 * spread, mean.max() + 4 * spread, 400)
        posterior, edges = np.histogram(mean, 200, weights=self.posterior.ravel())
        below = ndtr((at[:, None] - (edges[1:] + edges[:-1]) / 2) / spread) @ posterior
        low, middle, high = np.exp(np.interp([0.025, 0.5, 0.975], below, at)).clip(max=1.0)
        return float(1 - middle), (float(1 - high), float(1 - low))

    def nearest(self, sizes: Sequence[float]) -> tuple[float, float, float]:
        """Floor, scale and exponent of the single curve nearest to the expected errors."""
        expected = np.log([1 - self.expect(size)[0] for size in sizes])
        rest = expected - _shape(np.asarray(sizes) / self.largest)
        e, f = np.unravel_index(rest.var(axis=-1).argmin(), self.posterior.shape)
        error, exponent, floor = math.exp(rest[e, f].mean()), float(EXPONENTS[e]), float(FLOORS[f])
        return floor * error, (1 - floor) * error * self.largest**exponent, exponent


def _shape(share: Floats) -> Floats:
    """The log error relative to the largest size, exponents × floors × shares of that size."""
    falling = share ** -EXPONENTS[:, None, None]
    floor = FLOORS[None, :, None]
    logarithm: Floats = np.log(floor + (1 - floor) * falling)
    return logarithm


def _why_not(name: str, points: Sequence[CurvePoint], first: int) -> Said:
    most = points[-1].pictures
    if len(points) < LEAST_POINTS:
        return say("curve.tooFew", title=name, pictures=most)
    if first == len(points):
        return say("curve.guessing", title=name, pictures=most)
    return say("curve.noisyFrom", title=name, first=points[first].pictures, pictures=most)


def _words(
    name: str,
    learnable: int,
    now: float,
    forecasts: Sequence[Forecast],
    points: Sequence[CurvePoint],
    measured: _Measured,
) -> Said:
    twice, most = forecasts[0], forecasts[-1]
    if points[-1].accuracy == 1:
        return say("curve.allRight", title=name, pictures=points[-1].pictures)
    fell, spread = measured.fall()
    doublings = math.log2(measured.sizes[-1] / measured.sizes[0])
    low, high = twice.interval
    fine = now >= FINE
    falls = fell > 1.645 * spread
    flat = fell + 1.96 * spread < STEEPEST_FLAT * doublings
    if high - low > WIDEST or not (falls or flat):
        reach = say("curve.fineSpan" if fine else "curve.span", interval=[low, high])
        return say("curve.noisy", title=name, twice=twice.pictures, reach=reach)
    lift = most.accuracy - now
    if not falls or lift < LIFT or lift < FEWER_ERRORS * (1 - now):
        return say(
            "curve.hardly",
            title=name,
            most=most.pictures,
            reached=_share(most.accuracy, fine),
            now=_share(now, fine),
            pictures=learnable,
        )
    return say(
        "curve.lift",
        title=name,
        twice=twice.pictures,
        now=_share(now, fine),
        pictures=learnable,
        first=_forecast(twice, fine),
        most=most.pictures,
        second=_forecast(most, fine),
    )


def _forecast(forecast: Forecast, fine: bool) -> Said:
    low, high = (_share(end, fine) for end in forecast.interval)
    return say("curve.forecast", accuracy=_share(forecast.accuracy, fine), low=low, high=high)


def _share(share: float, fine: bool) -> Said:
    """In percent, with two decimals for errors below 1 %."""
    return say("curve.fine" if fine else "curve.share", share=share)
