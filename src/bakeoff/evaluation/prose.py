"""Numbers and lists as text."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.data.words import count
from bakeoff.evaluation.records import Interval

__all__ = ["listed", "of_pictures", "percent", "span"]


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
