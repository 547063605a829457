"""Calibration: how well confidence matches accuracy, and temperature scaling to correct it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.special import softmax as softmax_of

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.intervals import CERTAIN, bootstrap
from bakeoff.evaluation.records import Interval, ReliabilityBin

__all__ = [
    "BINS",
    "TEMPERATURE_BOUNDS",
    "calibration_interval",
    "calibration_null_level",
    "expected_calibration_error",
    "fit_temperature",
    "reliability",
    "softmax",
]

BINS = 15
TEMPERATURE_BOUNDS = (0.05, 20.0)
NULL_SAMPLES = 400  # simulated sets of perfectly calibrated answers


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities of N×K `logits` divided by `temperature`, as N×K float32.

    Computed in float64, so that every row sums to one as closely as float32 allows.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, not {temperature}")
    scaled = _finite(logits) / temperature
    return np.asarray(softmax_of(scaled, axis=1), dtype=np.float32)


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature that makes softmax(logits / T) fit the labels best.

    Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks") minimises
    the negative log-likelihood over T alone: it changes the confidence of answers, never the
    answers. If every answer on the slice is right, the minimum is at T = 0: unlimited confidence,
    from a few dozen pictures. So T has a log-normal prior around 1 with a standard deviation of
    one e-fold, which weighs as much as one or two pictures: it decides where the pictures cannot
    and fades as their number grows.

    Parameters
    ----------
    logits : N×K, of pictures that the network was not trained on.
    labels : N, the true classes.

    Returns
    -------
    float
        T within 0.05–20; exactly 1 if the logits say nothing: no pictures, one class, or all
        logits equal.

    Raises
    ------
    BakeoffError
        A logit is not a finite number.
    """
    values = _finite(logits)
    if values.ndim != 2 or values.shape[0] != len(labels):
        raise ValueError(f"logits of shape {values.shape} for {len(labels)} labels")
    if values.size == 0 or not np.ptp(values, axis=1).any():
        return 1.0
    truth = np.asarray(labels, dtype=np.int64)[:, None]

    def objective(log_temperature: float) -> float:
        log_likelihood = log_softmax(values * math.exp(-log_temperature), axis=1)
        fit = -float(np.take_along_axis(log_likelihood, truth, axis=1).sum())
        return fit + 0.5 * log_temperature**2

    low, high = (math.log(bound) for bound in TEMPERATURE_BOUNDS)
    return math.exp(minimize_scalar(objective, bounds=(low, high), method="bounded").x)


def reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS
) -> list[ReliabilityBin]:
    """Answers sorted by confidence and divided into `bins` of equal mass.

    Equal mass instead of equal width (Nguyen & O'Connor 2015): a good model is nearly always
    confident, and nine of ten bins of equal width would be empty. Answers of equal confidence
    share a bin, so that the order of the pictures does not matter; that, or few pictures, may
    leave fewer bins.

    Parameters
    ----------
    probabilities : N×K, rows sum to one.
    labels : N, the true classes.
    bins : how many, at most.
    """
    if len(labels) == 0:
        return []
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    cuts = np.linspace(0, len(order), bins, endpoint=False).astype(np.int64)
    starts = np.unique(np.searchsorted(confidence, confidence[cuts], side="left"))
    ends = np.append(starts[1:], len(order))
    return [
        ReliabilityBin(
            lower=float(confidence[start]),
            upper=float(confidence[end - 1]),
            pictures=int(end - start),
            confidence=float(confidence[start:end].mean()),
            accuracy=float(right[start:end].mean()),
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def expected_calibration_error(bins: list[ReliabilityBin]) -> float:
    """Mean distance between confidence and accuracy over the bins of `reliability`.

    Naeini et al. 2015, with bins of equal mass. 0 is best; 0.05 means that confidence is off by
    five points on average.
    """
    pictures = sum(part.pictures for part in bins)
    distances = sum(part.pictures * abs(part.confidence - part.accuracy) for part in bins)
    return distances / pictures if pictures else 0.0


def calibration_interval(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    bins: list[ReliabilityBin],
    clusters: NDArray[np.integer] | None,
) -> Interval:
    """The 95 % interval of the calibration error.

    Absolute distances do not cancel, so the error of a sample is biased upwards, and that of a
    resample by as much again: the basic bootstrap (Davison & Hinkley 1997, 5.2), which mirrors
    the percentiles of the resamples at the estimate, corrects for that.

    Parameters
    ----------
    confidence, right : N, the confidence of each answer, and whether it was right.
    bins : those of `reliability`, fixed for all resamples.
    clusters : N ids, or None; see `Sampling`.
    """
    bin_of = _bin_of(confidence, bins)
    apart = confidence - right

    def error(rows: NDArray[np.int64]) -> float:
        return float(np.abs(np.bincount(bin_of[rows], apart[rows])).sum()) / len(rows)

    high, low = np.percentile(bootstrap(error, len(right), clusters), CERTAIN)
    twice = 2 * error(np.arange(len(right)))
    return (float(np.clip(twice - low, 0, 1)), float(np.clip(twice - high, 0, 1)))


def calibration_null_level(confidence: NDArray[np.float64], bins: list[ReliabilityBin]) -> float:
    """The calibration error that perfectly calibrated answers exceed by chance in 5 % of cases.

    Even if each answer is right with exactly its stated probability, a finite set shows some
    error (consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of
    reliability diagrams"). A measured error below this is no evidence against a model.

    Parameters
    ----------
    confidence : N, the confidence of each answer.
    bins : those of `reliability`.
    """
    bin_of = _bin_of(confidence, bins)
    rng = np.random.default_rng(0)
    errors = [
        np.abs(np.bincount(bin_of, confidence - (rng.random(len(confidence)) < confidence))).sum()
        for _ in range(NULL_SAMPLES)
    ]
    return float(np.quantile(errors, 0.95)) / len(confidence)


def _bin_of(confidence: NDArray[np.float64], bins: list[ReliabilityBin]) -> NDArray[np.int64]:
    return np.searchsorted([part.lower for part in bins], confidence, side="right") - 1


def _finite(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(values).all():
        raise BakeoffError(
            "logits",
            "some are not finite numbers: the training diverged",
            "Lower the learning rate, or train in full precision",
        )
    return values
