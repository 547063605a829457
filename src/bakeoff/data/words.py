"""Words for people: counts, and names that any report can hold."""

from __future__ import annotations

import re

__all__ = ["count", "harmless", "nor_others", "spaced", "undone", "utf8"]

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def spaced(number: int) -> str:
    """A number with its thousands apart, as in 42 000."""
    return f"{number:,}".replace(",", " ")


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 class", "10 classes"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{spaced(number)} {noun if number == 1 else plural}"


def nor_others(number: int) -> str:
    """What follows the first of `number` things that lack the same: " (nor do 2 others)"."""
    if number < 2:
        return ""
    return f" (nor {'does' if number == 2 else 'do'} {count(number - 1, 'other')})"


def utf8(text: str) -> str:
    """The text with a question mark for all that UTF-8, and so a report, can not hold.

    Such are file names in an encoding of the past, and half characters in JSON.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs: a formula gets an apostrophe before it."""
    return "'" + text if _FORMULA.match(text) else text


def undone(cell: str) -> str:
    """The text of which `harmless` made a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
