"""Numbers and lists as text."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.data.words import count
from bakeoff.evaluation.records import Interval

__all__ = ["cannot_be_scored", "listed", "of_pictures", "percent", "span"]

NAMED = 3  # classes that a sentence names


def percent(share: float) -> str:
    """Such as “93.1 %”; only exact values are shown as 100 % or 0 %."""
    shown = f"{100 * share:.1f}"
    if shown in ("100.0", "0.0") and 0 < share < 1:
        shown = "over 99.9" if share > 0.5 else "under 0.1"
    return f"{shown} %"


def span(interval: Interval) -> str:
    """Such as “91.0 to 95.2 %”."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def listed(names: Sequence[str]) -> str:
    """Such as “a, b and c”; empty for no names."""
    if not names:
        return ""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def of_pictures(number: int) -> str:
    """Such as “1 picture” or “12 345 pictures”."""
    return count(number, "picture")


def cannot_be_scored(names: Sequence[str]) -> str:
    """Why classes have no score, at least one, and that the accuracy is without them."""
    quoted = [f"“{name}”" for name in names]
    if len(quoted) > NAMED:
        quoted = [*quoted[:NAMED], f"{len(quoted) - NAMED} more classes"]
    one = len(names) == 1
    return (
        f"{listed(quoted)} cannot be scored: {'it has' if one else 'they have'} one picture, or "
        f"{'its' if one else 'their'} pictures are kept together (copies of one another, or one "
        "group), so a model that has not seen them has not seen the "
        f"{'class' if one else 'classes'}. The accuracy is without {'it' if one else 'them'}."
    )
