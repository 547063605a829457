"""The interval of k folds beside those of nested cross-validation and the corrected t-test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bakeoff.evaluation.intervals import Sampling, share_interval

PICTURES, FEATURES, FOLDS, SETS = 100, 10, 5, 100
SIGNAL = 0.35

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Interval = tuple[float, float]


def drawn(count: int, seed: int) -> tuple[Floats, Labels]:
    """Two classes whose means differ."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return rng.normal(size=(count, FEATURES)) + SIGNAL * (2 * labels[:, None] - 1), labels


def fitted(x: Floats, labels: Labels) -> Floats:
    """A linear rule by least squares: FEATURES + 1 weights."""
    ones = np.column_stack([x, np.ones(len(x))])
    weights: Floats = np.linalg.lstsq(ones, 2.0 * labels - 1, rcond=None)[0]
    return weights


def right(weights: Floats, x: Floats, labels: Labels) -> NDArray[np.bool_]:
    answers = x @ weights[:-1] + weights[-1] > 0
    return np.asarray(answers == (labels == 1))


def folds_of(count: int, folds: int) -> Iterator[tuple[Labels, Labels]]:
    order = np.arange(count)
    for held_out in np.array_split(order, folds):
        yield np.setdiff1d(order, held_out), held_out


def ours(x: Floats, labels: Labels) -> Interval:
    every = np.zeros(len(x), dtype=bool)
    for train, held_out in folds_of(len(x), FOLDS):
        every[held_out] = right(fitted(x[train], labels[train]), x[held_out], labels[held_out])
    return share_interval(every, Sampling(None, len(x) * (1 - 1 / FOLDS), len(x)))


def corrected_t(x: Floats, labels: Labels) -> Interval:
    """Nadeau and Bengio 2003, on the accuracies of the folds."""
    shares = [
        right(fitted(x[train], labels[train]), x[held_out], labels[held_out]).mean()
        for train, held_out in folds_of(len(x), FOLDS)
    ]
    factor = 1 / FOLDS + 1 / (FOLDS - 1)
    reach = stats.t.ppf(0.975, FOLDS - 1) * np.sqrt(factor * np.var(shares, ddof=1))
    return float(np.mean(shares) - reach), float(np.mean(shares) + reach)


def nested(x: Floats, labels: Labels, repeats: int, seed: int) -> Interval:
    """Bates, Hastie and Tibshirani 2023, algorithm 1, in one minus its error."""
    rng = np.random.default_rng(seed)
    a, b, inner = [], [], []
    for _ in range(repeats):
        order = rng.permutation(len(x))
        for train, held_out in folds_of(len(x), FOLDS):
            train, held_out = order[train], order[held_out]
            outer = right(fitted(x[train], labels[train]), x[held_out], labels[held_out])
            within = np.concatenate(
                [
                    right(fitted(x[some], labels[some]), x[rest], labels[rest])
                    for some, rest in (
                        (train[one], train[two]) for one, two in folds_of(len(train), FOLDS - 1)
                    )
                ]
            )
            a.append((within.mean() - outer.mean()) ** 2)
            b.append(outer.var(ddof=1) / len(outer))
            inner.append(within.mean())
    plain = [
        right(fitted(x[train], labels[train]), x[held_out], labels[held_out])
        for train, held_out in folds_of(len(x), FOLDS)
    ]
    pooled = np.concatenate(plain)
    naive = pooled.std(ddof=1) / np.sqrt(len(pooled))
    spread = np.sqrt(max(float(np.mean(a) - np.mean(b)), 0.0) * (FOLDS - 1) / FOLDS)
    spread = float(np.clip(spread, naive, naive * np.sqrt(FOLDS)))
    bias = (1 + (FOLDS - 2) / FOLDS) * (float(np.mean(inner)) - float(pooled.mean()))
    middle = float(np.mean(inner)) - bias
    return middle - 1.96 * spread, middle + 1.96 * spread


def test_k_folds_are_as_honest_as_nested_ones_and_narrower_than_the_corrected_t() -> None:
    """Each is asked for the accuracy of the model that is trained on all pictures of a set."""
    kinds = {"ours": ours, "corrected t": corrected_t}
    held = dict.fromkeys([*kinds, "nested"], 0)
    widths: dict[str, list[float]] = {name: [] for name in held}
    new_x, new_labels = drawn(20_000, 10_000)
    for seed in range(SETS):
        x, labels = drawn(PICTURES, seed)
        truth = float(right(fitted(x, labels), new_x, new_labels).mean())
        found = {name: interval(x, labels) for name, interval in kinds.items()}
        found["nested"] = nested(x, labels, 3, seed)
        for name, (low, high) in found.items():
            held[name] += low <= truth <= high
            widths[name].append(high - low)
    # Of 100, 95 are expected; fewer than 90 with a probability of 1 %.
    assert held["ours"] >= 90
    assert held["corrected t"] >= 90
    assert held["nested"] >= 85  # with three repetitions it is rougher
    ours_wide, nested_wide, t_wide = (
        float(np.mean(widths[name])) for name in ("ours", "nested", "corrected t")
    )
    assert ours_wide < nested_wide < t_wide
    assert ours_wide < 0.65 * t_wide
