"""Lines of a text file as numbers, and what is the matter with a line that has none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.readers.columns import is_number
from bakeoff.data.readers.lines import split

__all__ = ["Converters", "first_unread", "numbers_of", "parses", "why_not"]

# By the place of a field: how to make a number of its text.
Converters: TypeAlias = dict[int | str, Callable[[str], float]]


def numbers_of(
    lines: Sequence[str], delimiter: str | None, converters: Converters | None = None
) -> NDArray[np.float32]:
    """Rows × fields, or ValueError. NumPy's parser, in C, reads 20 million numbers a second."""
    values: NDArray[np.float32] = np.loadtxt(
        lines,
        dtype=np.float32,
        delimiter=delimiter,
        quotechar='"',
        comments=None,
        converters=converters,
        ndmin=2,
    )
    if len(values) != len(lines):  # an unclosed quote joins two lines
        raise ValueError("a quote spans lines")
    return values


def parses(line: str, width: int, delimiter: str | None) -> bool:
    """Whether a line consists of this many numbers."""
    try:
        return bool(numbers_of([line], delimiter).shape[1] == width)
    except ValueError:
        return False


def first_unread(
    lines: Iterable[tuple[int, str]], width: int, delimiter: str | None
) -> tuple[int, str]:
    """The first of numbered lines that `numbers_of` cannot read, if it has refused them.

    A line with an unclosed quote may be numbers by itself; the quote joins it to the next.
    """
    return next(
        (number, line)
        for number, line in lines
        if line.count('"') % 2 or not parses(line, width, delimiter)
    )


def why_not(
    line: str, width: int, delimiter: str | None, converters: Converters | None = None
) -> tuple[str, str]:
    """The problem of a row that cannot be parsed, and a hint."""
    fields = split(line, delimiter)
    if len(fields) != width:
        short = "short" if len(fields) < width else "long"
        return f"it is too {short}: {len(fields)} fields, not {width}", "Write the row again"
    for at, text in enumerate(fields):
        if at in (converters or {}) or is_number(text):
            continue
        if not text:
            return f"field {at + 1} is empty", "Fill in the number"
        comma = re.fullmatch(r"[0-9]+,[0-9]+", text)
        hint = "Write numbers with a point, as in 0.5" if comma else "Write a number there"
        return f"field {at + 1} is '{text[:20]}', not a number", hint
    return "its fields cannot be separated", "Write the row again without quotes"
