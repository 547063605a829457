"""The headline metric: the one figure by which approaches are ranked and compared.

One rule chooses it: accuracy, unless the largest class has `UNEVEN` times the pictures of the
smallest or more; then balanced accuracy, since always answering the large classes would pass for a
good model. `--metric` names another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.metrics import METRICS

__all__ = [
    "HEADLINES",
    "UNEVEN",
    "Headline",
    "HeadlineName",
    "best_constant",
    "cheapest",
    "headline_for",
    "is_uneven",
    "randomisation_p",
]

HeadlineName: TypeAlias = Literal["accuracy", "balanced_accuracy", "macro_f1", "cost"]
UNEVEN = 5
SHUFFLES = 9_999

Numbers: TypeAlias = NDArray[np.float64]
Answers: TypeAlias = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Headline:
    """A metric that is a function of sums over pictures, so that it can be tested by swapping.

    Attributes
    ----------
    name, title : in results.json, and what people read.
    parts : N labels and N answers to N×M numbers.
    figure : …×M sums of `parts` over pictures to the metric.
    higher_is_better : false for a cost.
    is_share : whether it is shown in percent.
    """

    name: HeadlineName
    title: str
    parts: Callable[[Answers, Answers], Numbers]
    figure: Callable[[Numbers], Numbers]
    higher_is_better: bool = True
    is_share: bool = True

    def of(self, labels: Answers, answers: Answers) -> float:
        """The metric of N answers."""
        return float(self.figure(self.parts(labels, answers).sum(axis=0)))


def is_uneven(counts: Sequence[int]) -> bool:
    """Whether the largest class has `UNEVEN` times the pictures of the smallest that has any."""
    some = [count for count in counts if count]
    return bool(some) and max(some) >= UNEVEN * min(some)


def headline_for(
    counts: Sequence[int],
    asked: HeadlineName | Literal["auto"] = "auto",
    cost: Numbers | None = None,
) -> Headline:
    """The headline metric of a set.

    Parameters
    ----------
    counts : the scored pictures of each of K classes.
    asked : a metric, or "auto" for the rule.
    cost : K×K, what it costs to answer column for a picture of row; it makes the cost the
        headline.
    """
    classes = len(counts)
    if asked == "auto":
        usual: HeadlineName = "balanced_accuracy" if is_uneven(counts) else "accuracy"
        asked = "cost" if cost is not None else usual
    if asked == "cost":
        assert cost is not None, "the cost of each confusion is known"
        return _cost(cost)
    return HEADLINES[asked](classes)


def cheapest(probabilities: NDArray[np.floating], cost: Numbers) -> NDArray[np.int64]:
    """The answers of least expected cost, from N×K probabilities and K×K costs."""
    answers: NDArray[np.int64] = (probabilities.astype(np.float64) @ cost).argmin(axis=1)
    return answers


def best_constant(headline: Headline, labels: Answers, classes: int) -> tuple[int, float]:
    """The class that is best to always answer, and what that achieves."""
    counts = np.bincount(labels, minlength=classes)
    # The most frequent class first: among equals it is the one that people expect.
    order = np.argsort(-counts, kind="stable")
    figures = [headline.of(labels, np.full_like(labels, label)) for label in order]
    best = int(np.argmax(figures) if headline.higher_is_better else np.argmin(figures))
    return int(order[best]), figures[best]


def randomisation_p(headline: Headline, labels: Answers, a: Answers, b: Answers) -> float:
    """The two-sided p of the difference between two approaches in any headline metric.

    Approximate randomisation (Noreen 1989; Yeh 2000): if both were equally good, each pair of
    answers could as well be the other way round. With accuracy this is McNemar's test by sampling.

    Parameters
    ----------
    labels, a, b : N, the truth and the answers of both.
    """
    of_a, of_b = headline.parts(labels, a), headline.parts(labels, b)
    apart = np.flatnonzero((of_a != of_b).any(axis=1))
    if not len(apart):
        return 1.0
    sum_a, sum_b = of_a.sum(axis=0), of_b.sum(axis=0)
    gap = abs(float(headline.figure(sum_a)) - float(headline.figure(sum_b)))
    swap = of_b[apart] - of_a[apart]
    rng = np.random.default_rng(0)  # the same answers always have the same p
    beyond = 0
    # At most 16 million coins at once.
    step = max(1, 16_000_000 // len(apart))
    for start in range(0, SHUFFLES, step):
        shuffles = min(step, SHUFFLES - start)
        swapped = rng.integers(0, 2, (shuffles, len(apart)), dtype=np.int8) @ swap
        gaps = headline.figure(sum_a + swapped) - headline.figure(sum_b - swapped)
        beyond += int((np.abs(gaps) >= gap - 1e-12).sum())
    return (beyond + 1) / (SHUFFLES + 1)


def _accuracy(_: int) -> Headline:
    def parts(labels: Answers, answers: Answers) -> Numbers:
        return np.stack([answers == labels, np.ones(len(labels))], axis=1).astype(np.float64)

    return Headline("accuracy", METRICS["accuracy"].title, parts, lambda s: s[..., 0] / s[..., 1])


def _balanced(classes: int) -> Headline:
    def parts(labels: Answers, answers: Answers) -> Numbers:
        truth = np.eye(classes)[labels]
        return np.concatenate([truth * (answers == labels)[:, None], truth], axis=1)

    def figure(sums: Numbers) -> Numbers:
        return _mean_share(sums[..., :classes], sums[..., classes:])

    return Headline("balanced_accuracy", METRICS["balanced_accuracy"].title, parts, figure)


def _macro_f1(classes: int) -> Headline:
    def parts(labels: Answers, answers: Answers) -> Numbers:
        truth, answered = np.eye(classes)[labels], np.eye(classes)[answers]
        return np.concatenate([2 * truth * answered, truth + answered], axis=1)

    def figure(sums: Numbers) -> Numbers:
        return _mean_share(sums[..., :classes], sums[..., classes:])

    return Headline("macro_f1", METRICS["macro_f1"].title, parts, figure)


def _mean_share(parts: Numbers, wholes: Numbers) -> Numbers:
    """The mean of shares, without those of nothing."""
    present = wholes > 0
    shares = np.where(present, parts / np.where(present, wholes, 1), 0.0)
    mean: Numbers = shares.sum(axis=-1) / present.sum(axis=-1)
    return mean


def _cost(cost: Numbers) -> Headline:
    def parts(labels: Answers, answers: Answers) -> Numbers:
        return np.stack([cost[labels, answers], np.ones(len(labels))], axis=1)

    return Headline(
        "cost",
        "Mean cost",
        parts,
        lambda s: s[..., 0] / s[..., 1],
        higher_is_better=False,
        is_share=False,
    )


HEADLINES: dict[str, Callable[[int], Headline]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "macro_f1": _macro_f1,
}
