"""Confusion matrices, as a table of buttons or, where there are many classes, a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.evaluation.records import Scores
from bakeoff.report.charts.heatmap import heatmap

__all__ = ["Cell", "Confusion", "Pair", "Row", "confusion"]

MOST_IN_TABLE = 40  # classes; beyond, a table of numbers is no longer read
MOST_PAIRS = 60
SHADES = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """`count` pictures, a `share` of their row; `panel` is the id of what shows them."""

    answer: str
    count: int
    share: float
    right: bool
    shade: int
    panel: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """All pictures of one class."""

    truth: str
    pictures: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Pictures of class `truth` that were called `answer`."""

    truth: str
    answer: str
    count: int
    share: float
    panel: str | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """What one approach took for what, in one part of the data.

    Attributes
    ----------
    part : "out of fold" or "test".
    rows : the table; empty where there are too many classes for one.
    heatmap : a data URI of the picture that stands in for the table then.
    pairs : the confusions, the most frequent first; all of them where there is a table.
    """

    part: str
    rows: tuple[Row, ...]
    heatmap: str | None
    pairs: tuple[Pair, ...]


def confusion(scores: Scores, classes: Sequence[str], part: str, prefix: str | None) -> Confusion:
    """The view of one confusion matrix.

    Parameters
    ----------
    prefix : of the ids of the panels that show the pictures behind the cells,
        or None where those pictures are not kept.
    """
    counts = np.array(scores.confusion, dtype=np.int64)
    totals = counts.sum(axis=1)
    numbers = range(len(classes))

    def pair(truth: int, answer: int) -> Pair:
        return Pair(
            truth=classes[truth],
            answer=classes[answer],
            count=int(counts[truth, answer]),
            share=float(counts[truth, answer] / totals[truth]),
            panel=None if prefix is None else f"{prefix}-{truth}-{answer}",
        )

    wrong = [(int(t), int(a)) for t, a in np.argwhere(counts) if t != a]
    wrong.sort(key=lambda at: (-counts[at], -counts[at] / totals[at[0]], at))
    if len(classes) > MOST_IN_TABLE:
        pairs = tuple(pair(*at) for at in wrong[:MOST_PAIRS])
        return Confusion(part, rows=(), heatmap=heatmap(counts), pairs=pairs)
    pairs_at = {at: pair(*at) for at in wrong}
    rows = tuple(
        Row(
            truth=classes[t],
            pictures=int(totals[t]),
            cells=tuple(
                _cell(classes[a], int(counts[t, a]), int(totals[t]), t == a, pairs_at.get((t, a)))
                for a in numbers
            ),
        )
        for t in numbers
    )
    return Confusion(part, rows, heatmap=None, pairs=tuple(pairs_at.values()))


def _cell(answer: str, count: int, total: int, right: bool, pair: Pair | None) -> Cell:
    share = count / total if total else 0.0
    # The square root lets a single mistake be seen beside ninety-nine right answers.
    shade = math.ceil(SHADES * math.sqrt(share))
    return Cell(answer, count, share, right, shade, panel=pair.panel if pair else None)
