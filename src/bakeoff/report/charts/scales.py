"""From values to pixels, and the round numbers at an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

__all__ = ["Scale", "linear", "log_ticks", "logarithmic", "nice_ticks", "share_range"]

Scale = Callable[[float], float]


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Map low…high onto the pixels start…end; what lies outside stays at the edge."""
    return lambda value: start + (min(max(value, low), high) - low) / (high - low) * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """Like `linear`, in the logarithm; `low` is above 0."""
    inner = linear(math.log(low), math.log(high), start, end)
    return lambda value: inner(math.log(max(value, low)))


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers within low…high: 1, 2 or 5 times a power of ten apart."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (factor * power for factor in (1, 2, 5, 10, 20)):
        # The tolerance keeps a tick at the very edge in spite of rounding.
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [round(i * step, 10) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten within low…high, or only the powers if crowded."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [round(f * 10.0**p, 10) for p in powers for f in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    if len(ticks) > 5:
        ticks = [tick for tick in ticks if math.log10(tick).is_integer()]
    return ticks


def share_range(values: Iterable[float]) -> tuple[float, float]:
    """A range of shares that holds all `values` with some room, and is never empty."""
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    room = 0.06 * max(high - low, 0.05)
    return max(0.0, low - room), min(1.0, high + room)
