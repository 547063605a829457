"""Numbers and lists as text."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.data.words import count
from bakeoff.said import Said, listed, percent, say, span

__all__ = ["cannot_be_scored", "listed", "of_pictures", "percent", "span"]

NAMED = 3  # classes that a sentence names


def of_pictures(number: int) -> str:
    """Such as “1 picture” or “12 345 pictures”."""
    return count(number, "picture")


def cannot_be_scored(names: Sequence[str]) -> Said:
    """Why classes have no score, at least one, and that the accuracy is without them."""
    quoted = [f"“{name}”" for name in names]
    if len(quoted) > NAMED:
        quoted = [*quoted[:NAMED], say("sure.moreClasses", n=len(quoted) - NAMED)]
    return say("sure.unscored", names=quoted, n=len(names))
