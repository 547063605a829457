"""A dot for a share, a whisker for its 95 % interval, one row of a table at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from bakeoff.report.charts.scales import linear, nice_ticks, share_range
from bakeoff.report.charts.svg import element, line, marker, markup, root
from bakeoff.report.words import percent

__all__ = ["IntervalAxis", "Whisker"]

PAD = 14  # room for half a tick label at either end
LANE = 11  # height of one whisker


@dataclass(frozen=True, slots=True)
class Whisker:
    """One measured share: whose it is, and whether it is drawn hollow (the locked test)."""

    approach: int
    label: str
    value: float
    interval: tuple[float, float]
    hollow: bool = False


class IntervalAxis:
    """One axis that all the rows of a table share, so that they can be compared by eye.

    Parameters
    ----------
    whiskers : all that will be drawn; they settle the range.
    width : of every row, in pixels.
    """

    def __init__(self, whiskers: Iterable[Whisker], width: int = 340) -> None:
        low, high = share_range(end for one in whiskers for end in (*one.interval, one.value))
        self._width = width
        self._ticks = nice_ticks(low, high)
        self._x = linear(low, high, PAD, width - PAD)

    def head(self) -> Markup:
        """The axis with its numbers, for the head of the table."""
        svg = root(self._width, 16, "Accuracy in percent", "chart axis")
        for tick in self._ticks:
            label = f"{100 * tick:.6g}" + (" %" if tick == self._ticks[-1] else "")
            element(svg, "text", label, x=self._x(tick), y=12, text_anchor="middle")
        return markup(svg)

    def row(self, whiskers: Iterable[Whisker]) -> Markup:
        """One row: the whiskers one below the other."""
        shown = list(whiskers)
        height = LANE * len(shown) + 8
        title = "; ".join(
            f"{one.label} {percent(one.value)}, "
            f"interval {percent(one.interval[0])} to {percent(one.interval[1])}"
            for one in shown
        )
        svg = root(self._width, height, title, "chart row")
        for tick in self._ticks:
            line(svg, self._x(tick), 0, self._x(tick), height, "grid")
        for lane, one in enumerate(shown):
            y = 4 + LANE * (lane + 0.5)
            start, end = (self._x(edge) for edge in one.interval)
            hollow = "hollow" if one.hollow else ""
            line(svg, start, y, end, y, f"whisker c{one.approach % 6} {hollow}".rstrip())
            marker(svg, one.approach, self._x(one.value), y, class_=hollow)
        return markup(svg)
