"""Which trial to recommend, and how optimistic its own score is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.prose import of_pictures, percent
from bakeoff.evaluation.records import Interval
from bakeoff.record.study import Aim, OuterScore, Recommendation, TrialRecord
from bakeoff.tune.study import MAXIMISED, Outcome, value_of

__all__ = ["Chosen", "Outer", "choose", "front_of", "with_outer"]

CLEARLY = 2.0  # standard errors of the paired difference

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
    """The numbers of the recommended trial and of the best one, and the reason."""

    recommendation: int
    best: int
    why: str


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
    value = _value_in_words(best.record, first)
    if number == 0:
        why = f"No trial has a better {WORDS[first]} than the defaults, {value}."
        return Chosen(0, 0, why)
    if defaults is None:
        return Chosen(number, number, f"Trial {number} has the best {WORDS[first]}, {value}.")
    both = f"{value} against {_value_in_words(defaults.record, first)}"
    if _clearly_better(best, defaults, first):
        why = f"Trial {number} has a clearly better {WORDS[first]} than the defaults: {both}."
        return Chosen(number, number, why)
    why = (
        f"Trial {number} has the best {WORDS[first]}, but not clearly better than the defaults: "
        f"{both}. The best of {len(done)} trials looks that good by chance: keep the defaults."
    )
    return Chosen(0, number, why)


def _smallest_of_the_good(
    done: Mapping[int, Outcome], best: Outcome, first: Aim, second: Aim
) -> Chosen:
    """The best in the second aim among those as good as the best in the first."""
    as_good = [trial for trial in done.values() if not _clearly_better(best, trial, first)]
    chosen = min(
        as_good, key=lambda trial: tuple(_lower(trial.record, aim) for aim in (second, first))
    ).record
    why = (
        f"Of the {len(as_good)} trials whose {WORDS[first]} is not clearly worse than the best "
        f"({_value_in_words(best.record, first)}), trial {chosen.number} has the best "
        f"{WORDS[second]}: {_value_in_words(chosen, second)}; its {WORDS[first]} is "
        f"{_value_in_words(chosen, first)}."
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
        f"Its score in the search was {optimism * 100:.1f} points too optimistic"
        if optimism > 0
        else "Its score in the search was not too optimistic"
    )
    words = (
        f"In the search trial {chosen.best} had {percent(own)} right; trained again, it has "
        f"{percent(scores['best'].accuracy)} right of {of_pictures(len(outer['best'][1]))} that no "
        f"trial saw. {verdict} (95 % interval {_points(low)} to {_points(high)}). The defaults "
        f"have {percent(scores['defaults'].accuracy)} of them right."
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


def _points(share: float) -> str:
    return f"{share * 100:.1f}".replace("-", "−")


def _value_in_words(record: TrialRecord, aim: Aim) -> str:
    value = value_of(record, aim)
    if aim == "accuracy":
        return percent(value)
    if aim == "latency":
        return f"{value:.2f} ms"
    return f"{value / 1e6:.2f} MB" if aim == "size" else f"{value:.4f}"
