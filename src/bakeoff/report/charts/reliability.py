"""Is what a model calls 90 % sure right nine times in ten?"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bakeoff.evaluation.records import ReliabilityBin
from bakeoff.report.charts.scales import linear
from bakeoff.report.charts.svg import element, line, marker, markup, path, root
from bakeoff.report.words import percent, plural

__all__ = ["reliability_diagram"]

WIDTH, HEIGHT = 260, 240
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 10, 40


def reliability_diagram(approach: int, title: str, bins: Sequence[ReliabilityBin]) -> Markup:
    """Mean confidence against accuracy, bin by bin; a calibrated model is on the diagonal.

    DeGroot & Fienberg 1983. The bins hold equally many pictures, so most dots
    crowd at the sure end: the stem from each to the diagonal shows its miss.
    """
    svg = root(WIDTH, HEIGHT, f"{title}: confidence against accuracy")
    x = linear(0, 1, LEFT, WIDTH - RIGHT)
    y = linear(0, 1, HEIGHT - BOTTOM, TOP)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        line(svg, LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid")
        label = f"{100 * tick:g}"
        element(svg, "text", label, x=LEFT - 6, y=y(tick) + 4, text_anchor="end")
        element(svg, "text", label, x=x(tick), y=HEIGHT - BOTTOM + 16, text_anchor="middle")
    line(svg, x(0), y(0), x(1), y(1), "ideal")
    middle = (LEFT + WIDTH - RIGHT) / 2
    element(svg, "text", "how sure, %", x=middle, y=HEIGHT - 6, text_anchor="middle")
    element(svg, "text", "right, %", x=LEFT + 4, y=TOP + 12)
    path(svg, ((x(one.confidence), y(one.accuracy)) for one in bins), f"mean c{approach % 6}")
    for one in bins:
        line(
            svg,
            x(one.confidence),
            y(one.confidence),
            x(one.confidence),
            y(one.accuracy),
            f"stem c{approach % 6}",
        )
        mark = marker(svg, approach, x(one.confidence), y(one.accuracy), 3.2)
        element(
            mark,
            "title",
            f"{plural(one.pictures, 'picture')}: {percent(one.confidence)} sure, "
            f"{percent(one.accuracy)} right",
        )
    return markup(svg)
