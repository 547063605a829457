"""Which trial to recommend, and how optimistic its own score is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.records import Interval
from bakeoff.record.study import Aim, OuterScore, Recommendation, TrialRecord
from bakeoff.said import Said, say
from bakeoff.tune.study import MAXIMISED, Outcome, value_of

__all__ = ["Chosen", "Outer", "choose", "front_of", "with_outer"]

CLEARLY = 2.0  # standard errors of the paired difference

Outer = dict[
    Literal["defaults", "best", "recommendation"], tuple[NDArray[np.floating], NDArray[np.bool_]]
]

AIMS: dict[Aim, tuple[Said, str]] = {
    "loss": (say("aim.loss"), "aim.ofLoss"),
    "accuracy": (say("aim.accuracy"), "aim.ofAccuracy"),
    "latency": (say("aim.latency"), "aim.ofLatency"),
    "size": (say("aim.size"), "aim.ofSize"),
}
"""What each aim is called, and the code of a value of it."""


class Chosen(NamedTuple):
    """The numbers of the recommended trial and of the best one, and the reason."""

    recommendation: int
    best: int
    why: Said


def front_of(outcomes: Sequence[Outcome], aims: Sequence[Aim]) -> set[int]:
    """The Pareto front: finished trials that no other equals in every aim and beats in one."""
    done = [trial.record for trial in outcomes if trial.record.state == "finished"]
    values = np.array([[_lower(record, aim) for aim in aims] for record in done])
    return {
        record.number
        for record, mine in zip(done, values, strict=True)
        if not ((values <= mine).all(1) & (values < mine).any(1)).any()
    }


def choose(outcomes: Sequence[Outcome], aims: Sequence[Aim]) -> Chosen | None:
    """The trial to recommend; None if no trial is finished.

    With one aim it is the best trial if that is clearly better than the defaults: among many
    trials one looks good by chance. With two aims it is the best in the second among those that
    are not clearly worse than the best in the first.
    """
    done = {trial.record.number: trial for trial in outcomes if trial.record.state == "finished"}
    if not done:
        return None
    first, *others = aims
    best = min(done.values(), key=lambda trial: _lower(trial.record, first))
    if others:
        return _smallest_of_the_good(done, best, first, others[0])
    defaults = done.get(0)
    number = best.record.number
    about: dict[str, Any] = {"aim": AIMS[first][0], "value": _value_in_words(best.record, first)}
    if number == 0:
        return Chosen(0, 0, say("trial.noBetter", **about))
    about["trial"] = number
    if defaults is None:
        return Chosen(number, number, say("trial.best", **about))
    about["defaults"] = _value_in_words(defaults.record, first)
    if _clearly_better(best, defaults, first):
        return Chosen(number, number, say("trial.better", **about))
    return Chosen(0, number, say("trial.byChance", n=len(done), **about))


def _smallest_of_the_good(
    done: Mapping[int, Outcome], best: Outcome, first: Aim, second: Aim
) -> Chosen:
    """The best in the second aim among those as good as the best in the first."""
    as_good = [trial for trial in done.values() if not _clearly_better(best, trial, first)]
    chosen = min(
        as_good, key=lambda trial: tuple(_lower(trial.record, aim) for aim in (second, first))
    ).record
    why = say(
        "trial.smallest",
        n=len(as_good),
        aim=AIMS[first][0],
        best=_value_in_words(best.record, first),
        trial=chosen.number,
        second=AIMS[second][0],
        secondValue=_value_in_words(chosen, second),
        value=_value_in_words(chosen, first),
    )
    return Chosen(chosen.number, best.record.number, why)


def with_outer(chosen: Chosen, best: Outcome, outer: Outer | None) -> Recommendation:
    """The recommendation, with its scores on the outer pictures.

    Parameters
    ----------
    best : trial `chosen.best`, with its scores in the search.
    outer : for each choice of settings the loss on every outer picture, and whether it is right;
        None before the outer pictures are scored.
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
    verdict = (
        say("trial.optimistic", points=optimism) if optimism > 0 else say("trial.notOptimistic")
    )
    words = say(
        "trial.outer",
        trial=chosen.best,
        own=own,
        outer=scores["best"].accuracy,
        pictures=len(outer["best"][1]),
        verdict=verdict,
        low=low,
        high=high,
        defaults=scores["defaults"].accuracy,
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
    """The 95 % interval of the difference of two shares (Newcombe 1998, method 10)."""
    (p, (low_p, high_p)), (q, (low_q, high_q)) = one, other
    return (
        p - q - math.hypot(p - low_p, high_q - q),
        p - q + math.hypot(high_p - p, q - low_q),
    )


def _clearly_better(one: Outcome, other: Outcome, aim: Aim) -> bool:
    """Whether the paired difference on the same pictures is beyond chance."""
    if aim not in ("loss", "accuracy"):
        return _lower(one.record, aim) < _lower(other.record, aim)
    by_loss = aim == "loss"
    less = other.losses - one.losses if by_loss else one.right * 1.0 - other.right * 1.0
    error = float(less.std()) / math.sqrt(len(less))
    return float(less.mean()) > CLEARLY * error


def _lower(record: TrialRecord, aim: Aim) -> float:
    """A trial's value of an aim, negated if higher is better."""
    value = value_of(record, aim)
    return -value if aim in MAXIMISED else value


def _value_in_words(record: TrialRecord, aim: Aim) -> Said:
    return say(AIMS[aim][1], value=value_of(record, aim))
