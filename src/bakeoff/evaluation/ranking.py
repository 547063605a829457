"""Which approach is best by the headline metric of a run, whichever that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.compare import TOO_CLOSE, among_pairs, compare_all, holm
from bakeoff.evaluation.headline import Headline, best_constant, randomisation_p
from bakeoff.evaluation.prose import percent, span
from bakeoff.evaluation.records import Comparison, HeadlineRecord, Scores
from bakeoff.said import say

__all__ = [
    "beats_constant",
    "choose_by",
    "compare_by",
    "headline_record",
    "in_words",
    "interval",
    "ranked",
    "span_in_words",
    "value",
]

Answers = NDArray[np.integer[Any]]


def headline_record(
    headline: Headline, labels: Answers, classes: Sequence[str], *, asked: bool
) -> HeadlineRecord:
    """The headline metric as results.json holds it."""
    label, figure = best_constant(headline, labels, len(classes))
    why = say("ranked.asked")
    if not asked:
        why = {
            "accuracy": say("ranked.even"),
            "cost": say("ranked.cost"),
        }.get(headline.name, say("ranked.uneven"))
    return HeadlineRecord(
        headline.name,
        headline.title,
        why,
        classes[label],
        figure,
        headline.higher_is_better,
        headline.is_share,
    )


def value(scores: Scores, record: HeadlineRecord | None) -> float:
    """The headline metric of an approach."""
    return scores.accuracy if record is None else scores.metrics.get(record.name, scores.accuracy)


def interval(scores: Scores, record: HeadlineRecord | None) -> tuple[float, float]:
    """The interval of the headline metric."""
    return scores.metric_intervals.get(record.name, scores.interval) if record else scores.interval


def ranked(scores: Mapping[str, Scores], record: HeadlineRecord | None) -> list[str]:
    """The approaches, the best first."""
    sign = -1 if record is None or record.higher_is_better else 1
    return sorted(scores, key=lambda name: sign * value(scores[name], record))


def beats_constant(scores: Scores, record: HeadlineRecord) -> bool:
    """Whether the interval of the headline metric excludes always answering one class."""
    low, high = interval(scores, record)
    return low > record.guessing if record.higher_is_better else high < record.guessing


def in_words(figure: float, record: HeadlineRecord) -> str:
    """A value of the headline metric, for people."""
    return percent(figure) if record.is_share else f"{figure:.3g}"


def span_in_words(scores: Scores, record: HeadlineRecord) -> str:
    """Its interval, for people."""
    low, high = interval(scores, record)
    return span((low, high)) if record.is_share else f"{low:.3g} to {high:.3g}"


def compare_by(
    headline: Headline,
    labels: Answers,
    answers: Mapping[str, Answers],
    fold_of: NDArray[np.integer] | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Comparison]:
    """Compare all pairs by a headline metric; by accuracy as `compare_all` does.

    Parameters
    ----------
    labels : N.
    answers : of each approach, N.
    """
    correct = {name: given == labels for name, given in answers.items()}
    pairs = compare_all(correct, fold_of, titles)
    if headline.name == "accuracy":
        return pairs
    p_values = [randomisation_p(headline, labels, answers[one.a], answers[one.b]) for one in pairs]
    significant = holm(p_values)
    called = titles or {}
    compared = []
    for pair, p, differs in zip(pairs, p_values, significant, strict=True):
        gap = headline.of(labels, answers[pair.a]) - headline.of(labels, answers[pair.b])
        first, second = called.get(pair.a, pair.a), called.get(pair.b, pair.b)
        a_is_better = (gap > 0) == headline.higher_is_better
        size = say("pair.points", points=abs(gap)) if headline.is_share else f"{abs(gap):.3g}"
        metric = headline.title.lower()
        if differs:
            better, worse = (first, second) if a_is_better else (second, first)
            words = say("pair.betterBy", better=better, worse=worse, size=size, metric=metric, p=p)
        else:
            among = among_pairs(p, len(pairs))
            words = say(
                "pair.closeBy", a=first, b=second, size=size, metric=metric, p=p, among=among
            )
        verdict = ("a" if a_is_better else "b") if differs else TOO_CLOSE
        compared.append(
            replace(
                pair,
                verdict=verdict,
                words=words,
                said=None,
                metric=headline.name,
                metric_difference=gap,
                metric_p=p,
            )
        )
    return compared


def choose_by(
    record: HeadlineRecord, scores: Mapping[str, Scores], comparisons: Sequence[Comparison]
) -> str | None:
    """The name of the approach to trust by a headline metric other than accuracy, if one is best.

    As `choose_winner`: it must beat always answering the best single class, and every other
    approach by the verdicts of `compare_by`.
    """
    best = ranked(scores, record)[0]
    if not beats_constant(scores[best], record):
        return None
    against = [one for one in comparisons if best in (one.a, one.b)]
    return None if any(one.verdict == TOO_CLOSE for one in against) else best
