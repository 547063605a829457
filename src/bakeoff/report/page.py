"""Everything the template shows, worked out beforehand: the template only lays it out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bakeoff.evaluation.records import ClassScore, GroupScore, Scores
from bakeoff.record.results import ApproachResult, FoldResult, Results
from bakeoff.report.charts.curves import Curves
from bakeoff.report.charts.intervals import IntervalAxis, Whisker
from bakeoff.report.charts.reliability import reliability_diagram
from bakeoff.report.charts.svg import marker, markup, root
from bakeoff.report.confusion import Confusion, confusion
from bakeoff.report.mistakes import Gallery, by_importance, galleries, scores_of
from bakeoff.report.thumbnails import Embedded, embed

__all__ = ["Breakdown", "Entry", "Page", "page"]

HARDEST = 20  # classes shown at first where there are many


@dataclass(frozen=True, slots=True)
class Entry:
    """One approach: its place, its charts, its mistakes.

    `number` is its place in the run, which gives its colour and shape; `rank`
    its place on the leaderboard, from 1.
    """

    number: int
    rank: int
    result: ApproachResult
    scores: Scores | None
    mark: Markup
    whisker: Markup | None
    fits: list[FoldResult]
    loss_curve: Markup | None
    accuracy_curve: Markup | None
    reliability: Markup | None
    confusions: list[Confusion]
    gallery: Gallery
    settings: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """One class or group: its accuracy under every approach, the best approach first."""

    name: str
    pictures: int
    chart: Markup
    accuracies: list[float | None]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Accuracy by class or by group; `hardest` rows first where there are many."""

    axis: Markup
    rows: list[BreakdownRow]
    hardest: list[BreakdownRow]


@dataclass(frozen=True, slots=True)
class Page:
    """All of it.

    Attributes
    ----------
    part : "out of fold" or "test": what ranks the approaches.
    digits : after the point of an accuracy in percent.
    two_parts : whether out-of-fold and test figures stand side by side.
    tabled : whether the confusion matrices are tables rather than pictures.
    entries, by_number : the approaches by rank, and in the run's order.
    pictures : row of the dataset -> its thumbnail, for all there is room for.
    """

    results: Results
    headline: str
    part: str
    digits: int
    two_parts: bool
    tabled: bool
    entries: list[Entry]
    by_number: list[Entry]
    axis: Markup | None
    classes: Breakdown | None
    groups: Breakdown | None
    pictures: dict[int, Embedded]


def page(results: Results, thumbnails: Mapping[int, bytes]) -> Page:
    """Work out the page of a run."""
    approaches = results.approaches
    scored = [scores for scores in map(scores_of, approaches) if scores]
    whiskers = [_whiskers(number, approach) for number, approach in enumerate(approaches)]
    axis = IntervalAxis((one for some in whiskers for one in some), 220) if scored else None
    views = [
        _confusions(number, approach, results.dataset.classes)
        for number, approach in enumerate(approaches)
    ]
    # The first view of each is the one whose mistakes the run keeps.
    shown = galleries(
        approaches,
        [[(p.truth, p.answer) for p in some[0].pairs] if some else [] for some in views],
    )
    fits = [_fits(approach) for approach in approaches]
    curves = Curves(fits)
    ranks = _ranks(approaches)
    by_number = [
        Entry(
            number=number,
            rank=ranks[number],
            result=approach,
            scores=scores_of(approach),
            mark=_mark(number),
            whisker=axis.row(whiskers[number]) if axis and whiskers[number] else None,
            fits=fits[number],
            loss_curve=curves.loss(number, approach.title, fits[number]) if fits[number] else None,
            accuracy_curve=curves.accuracy(number, approach.title, fits[number])
            if fits[number]
            else None,
            reliability=_reliability(number, approach),
            confusions=views[number],
            gallery=shown[number],
            settings=list(_flat(approach.settings)),
        )
        for number, approach in enumerate(approaches)
    ]
    entries = sorted(by_number, key=lambda entry: (entry.rank, entry.number))
    return Page(
        results=results,
        headline=_headline(results),
        part="out of fold" if any(one.out_of_fold for one in approaches) else "test",
        # Below some two thousand pictures a hundredth of a percent is less than one picture.
        digits=2 if scored and min(scores.pictures for scores in scored) >= 2000 else 1,
        two_parts=any(len(some) > 1 for some in views),
        tabled=any(view.rows for some in views for view in some),
        entries=entries,
        by_number=by_number,
        axis=axis.head() if axis else None,
        classes=_breakdown(
            [(entry, entry.scores.per_class if entry.scores else []) for entry in entries]
        ),
        groups=_breakdown(
            [(entry, entry.scores.per_group if entry.scores else []) for entry in entries]
        ),
        pictures=embed(thumbnails, by_importance(shown)),
    )


def _headline(results: Results) -> str:
    titles = {approach.name: approach.title for approach in results.approaches}
    name = results.winner.name
    if name is None:
        return "No clear winner"
    # Winning against nobody is no reason to trust.
    return f"Trust {titles[name]}" if len(titles) > 1 else f"{titles[name]}, without a rival"


def _ranks(approaches: list[ApproachResult]) -> list[int]:
    def key(approach: ApproachResult) -> tuple[float, float]:
        scores = scores_of(approach)
        return (-scores.accuracy, scores.loss) if scores else (math.inf, math.inf)

    order = sorted(key(approach) for approach in approaches)
    return [1 + order.index(key(approach)) for approach in approaches]


def _whiskers(number: int, approach: ApproachResult) -> list[Whisker]:
    parts = [("out of fold", approach.out_of_fold), ("locked test", approach.test)]
    known = [(part, scores) for part, scores in parts if scores]
    return [
        Whisker(
            number,
            f"{approach.title}, {part}",
            scores.accuracy,
            scores.interval,
            hollow=place > 0,
        )
        for place, (part, scores) in enumerate(known)
    ]


def _fits(approach: ApproachResult) -> list[FoldResult]:
    fits = approach.folds or ([approach.final] if approach.final else [])
    return fits if any(fit.curve for fit in fits) else []


def _confusions(number: int, approach: ApproachResult, classes: list[str]) -> list[Confusion]:
    parts = [("out of fold", approach.out_of_fold), ("test", approach.test)]
    known = [(part, scores) for part, scores in parts if scores]
    return [
        confusion(scores, classes, part, prefix=None if place else f"cell-{number}")
        for place, (part, scores) in enumerate(known)
    ]


def _reliability(number: int, approach: ApproachResult) -> Markup | None:
    scores = scores_of(approach)
    if scores is None or not scores.reliability:
        return None
    return reliability_diagram(number, approach.title, scores.reliability)


def _breakdown(
    scored: Sequence[tuple[Entry, Sequence[ClassScore] | Sequence[GroupScore]]],
) -> Breakdown | None:
    names = list(dict.fromkeys(one.name for _, some in scored for one in some))
    if not names:
        return None
    # Of a class without pictures nothing is known, whatever its record says.
    known = [(entry, {one.name: one for one in some if one.pictures}) for entry, some in scored]
    drawn = {
        name: [
            Whisker(entry.number, entry.result.title, some[name].accuracy, some[name].interval)
            for entry, some in known
            if name in some
        ]
        for name in names
    }
    axis = IntervalAxis(one for some in drawn.values() for one in some)
    rows = [
        BreakdownRow(
            name=name,
            pictures=max((some[name].pictures for _, some in known if name in some), default=0),
            chart=axis.row(drawn[name]),
            accuracies=[some[name].accuracy if name in some else None for _, some in known],
        )
        for name in names
    ]
    hardest = sorted(rows, key=_mean_accuracy)[:HARDEST] if len(rows) > 2 * HARDEST else []
    return Breakdown(axis.head(), rows, hardest)


def _mean_accuracy(row: BreakdownRow) -> float:
    known = [accuracy for accuracy in row.accuracies if accuracy is not None]
    return sum(known) / len(known) if known else math.inf


def _mark(number: int) -> Markup:
    svg = root(14, 14, None, "key")
    marker(svg, number, 7, 7)
    return markup(svg)


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{name}", str(value)
