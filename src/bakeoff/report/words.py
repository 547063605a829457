"""Numbers as people read them. Every figure of the page passes through here."""

from __future__ import annotations

import math
from datetime import datetime

__all__ = [
    "FILTERS",
    "count",
    "figure",
    "megabytes",
    "milliseconds",
    "moment",
    "p_value",
    "percent",
    "percents",
    "plural",
    "points",
    "seconds",
]

# Keeps "1 234" and "97.5 %" on one line, and narrower than a word space.
GAP = "\u202f"
MINUS = "\u2212"


def count(number: int) -> str:
    """1234 -> "1 234"."""
    return f"{number:,}".replace(",", GAP)


def plural(number: int, one: str, many: str | None = None) -> str:
    """(1, "picture") -> "1 picture"; (3, "class", "classes") -> "3 classes"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """0.975 -> "97.5 %"; what is short of all is never rounded up to "100.0 %"."""
    text = f"{100 * share:.{digits}f}"
    if share < 1 and float(text) >= 100:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text}{GAP}%"


def percents(interval: tuple[float, float], digits: int = 1) -> str:
    """(0.887, 0.929) -> "88.7–92.9 %"."""
    low, high = (percent(end, digits) for end in interval)
    return f"{low.removesuffix(f'{GAP}%')}–{high}"


def points(difference: float) -> str:
    """A difference of two shares in percentage points: 0.012 -> "+1.2"."""
    text = f"{100 * difference:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)


def figure(value: float, digits: int = 3) -> str:
    """A loss, a temperature: as many digits after the point as asked for."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "∞"


def p_value(p: float | None) -> str:
    """A p-value to two figures; what is tiny is said to be so, not to the last digit."""
    if p is None:
        return "–"
    if p < 0.001:
        return f"<{GAP}0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def seconds(value: float) -> str:
    """Seconds up to a minute and a half, then minutes, then hours."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def milliseconds(value: float) -> str:
    """Milliseconds to about three figures."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} ms"


def megabytes(value: float) -> str:
    """Megabytes (10⁶ bytes) to about three figures."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} MB"


def moment(text: str) -> str:
    """An ISO 8601 time without seconds and with its zone; any other text as it is."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = "" if time.tzinfo is None else f" {time.tzname()}"
    return f"{time:%Y-%m-%d %H:%M}{zone}"


FILTERS = {
    "count": count,
    "figure": figure,
    "megabytes": megabytes,
    "milliseconds": milliseconds,
    "moment": moment,
    "p_value": p_value,
    "percent": percent,
    "percents": percents,
    "plural": plural,
    "points": points,
    "seconds": seconds,
}
