"""Which trial to recommend, and how much the search flattered it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.prose import of_pictures, percent
from bakeoff.evaluation.records import Interval
from bakeoff.record.study import Aim, OuterScore, Recommendation, TrialRecord
from bakeoff.tune.study import MAXIMISED, Tried, value_of

__all__ = ["Chosen", "Outer", "choose", "front_of", "with_outer"]

CLEARLY = 2.0  # standard errors of a difference, picture by picture

Outer = dict[
    Literal["defaults", "best", "recommendation"], tuple[NDArray[np.floating], NDArray[np.bool_]]
]

WORDS: dict[Aim, str] = {
    "loss": "loss",
    "accuracy": "accuracy",
    "latency": "time for one picture",
    "size": "size",
}


class Chosen(NamedTuple):
    """Numbers of the recommended trial and of the one that looks best, and why the former."""

    recommendation: int
    best: int
    why: str


def front_of(tried: Sequence[Tried], aims: Sequence[Aim]) -> set[int]:
    """Numbers of the finished trials that no other beats in one aim without losing in another."""
    done = [one.record for one in tried if one.record.state == "finished"]
    values = np.array([[_lower(one, aim) for aim in aims] for one in done])
    return {
        one.number
        for one, mine in zip(done, values, strict=True)
        if not ((values <= mine).all(1) & (values < mine).any(1)).any()
    }


def choose(tried: Sequence[Tried], aims: Sequence[Aim]) -> Chosen | None:
    """The trial to recommend; None where not one is finished.

    By one aim that is the best, if it is clearly better than the defaults: many trials make one
    of them look good by luck. By two, it is the one that is best in the second among those that
    are not clearly worse than the best in the first.
    """
    done = {one.record.number: one for one in tried if one.record.state == "finished"}
    if not done:
        return None
    first, *others = aims
    best = min(done.values(), key=lambda one: _lower(one.record, first))
    if others:
        second = others[0]
        as_good = [one for one in done.values() if not _clearly_better(best, one, first)]
        recommendation = min(
            as_good, key=lambda one: tuple(_lower(one.record, aim) for aim in (second, first))
        )
        why = (
            f"Of the {len(as_good)} trials whose {WORDS[first]} is not clearly worse than that of "
            f"the best ({_said(best.record, first)}), trial {recommendation.record.number} has "
            f"the best {WORDS[second]}: {_said(recommendation.record, second)}; "
            f"its {WORDS[first]} is {_said(recommendation.record, first)}."
        )
        return Chosen(recommendation.record.number, best.record.number, why)
    defaults = done.get(0)
    number = best.record.number
    if number == 0 or defaults is None:
        why = (
            f"No trial has a better {WORDS[first]} than the defaults, {_said(best.record, first)}."
            if number == 0
            else f"Trial {number} has the best {WORDS[first]}, {_said(best.record, first)}."
        )
        return Chosen(number, number, why)
    both = f"{_said(best.record, first)} against {_said(defaults.record, first)}"
    if _clearly_better(best, defaults, first):
        why = f"Trial {number} has a clearly better {WORDS[first]} than the defaults: {both}."
        return Chosen(number, number, why)
    why = (
        f"Trial {number} looks best, but its {WORDS[first]} is not clearly better than that of "
        f"the defaults: {both}. One of {len(done)} looks that good by luck: keep the defaults."
    )
    return Chosen(0, number, why)


def with_outer(chosen: Chosen, best: Tried, outer: Outer | None) -> Recommendation:
    """The recommendation, with what the outer pictures say of it.

    Parameters
    ----------
    best : what trial `chosen.best` had in the search.
    outer : for each choice of settings the loss of every outer picture, and whether it was right.
    """
    if outer is None:
        return Recommendation(trial=chosen.recommendation, why=chosen.why, best=chosen.best)
    scores = {
        name: OuterScore(
            accuracy=float(right.mean()),
            interval=wilson(float(right.sum()), len(right)),
            loss=float(loss.mean()),
        )
        for name, (loss, right) in outer.items()
    }
    own = float(best.right.mean())
    optimism = own - scores["best"].accuracy
    low, high = _difference(
        (own, wilson(float(best.right.sum()), len(best.right))),
        (scores["best"].accuracy, scores["best"].interval),
    )
    flattered = (
        f"The search flattered it by {optimism * 100:.1f} points"
        if optimism > 0
        else "The search did not flatter it"
    )
    asked = of_pictures(len(outer["best"][1]))
    words = (
        f"In the search trial {chosen.best} had {percent(own)} right; trained anew, it has "
        f"{percent(scores['best'].accuracy)} of {asked} that no trial saw. "
        f"{flattered} (95 % interval {_points(low)} to {_points(high)}). The defaults have "
        f"{percent(scores['defaults'].accuracy)} of them."
    )
    return Recommendation(
        trial=chosen.recommendation,
        why=chosen.why,
        best=chosen.best,
        outer=scores,
        optimism=optimism,
        optimism_interval=(low, high),
        words=words,
    )


def _difference(one: tuple[float, Interval], other: tuple[float, Interval]) -> tuple[float, float]:
    """The interval of the difference of two shares (Newcombe 1998, method 10)."""
    (p, (low_p, high_p)), (q, (low_q, high_q)) = one, other
    return (
        p - q - math.hypot(p - low_p, high_q - q),
        p - q + math.hypot(high_p - p, q - low_q),
    )


def _clearly_better(one: Tried, other: Tried, aim: Aim) -> bool:
    """Whether it is by more than chance, on the same pictures."""
    if aim not in ("loss", "accuracy"):
        return _lower(one.record, aim) < _lower(other.record, aim)
    by_loss = aim == "loss"
    less = other.losses - one.losses if by_loss else one.right * 1.0 - other.right * 1.0
    error = float(less.std()) / math.sqrt(len(less))
    return float(less.mean()) > CLEARLY * error


def _lower(record: TrialRecord, aim: Aim) -> float:
    """What a trial reached of an aim, turned so that less is better."""
    value = value_of(record, aim)
    return -value if aim in MAXIMISED else value


def _points(share: float) -> str:
    return f"{share * 100:.1f}".replace("-", "−")


def _said(record: TrialRecord, aim: Aim) -> str:
    value = value_of(record, aim)
    if aim == "accuracy":
        return percent(value)
    if aim == "latency":
        return f"{value:.2f} ms"
    return f"{value / 1e6:.2f} MB" if aim == "size" else f"{value:.4f}"
