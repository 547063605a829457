"""Where the class of a picture is written, if its folder does not say it: a column, or its name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bakeoff.data.grouping import called, check_pattern, search_pattern
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["Labelling", "parse_labelling", "pattern_in_names"]

_COLUMN = "column:"

# What the names of files show, the plainest first: cat.0.jpg and Abyssinian_12.jpg, dog-left.png,
# 7_cat.png and train0_5.png.
_PATTERNS = (
    r"^(.+?)[ ._-]*[(]?[0-9]+[)]?\.[A-Za-z]+$",
    r"^([^._-]+)[._-]",
    r"[._-]([^._-]+)\.[A-Za-z]+$",
)


@dataclass(frozen=True, slots=True)
class Labelling:
    """How to find the class of a picture, as ``--label`` says it.

    Attributes
    ----------
    text : the name of a column, or a regular expression.
    is_column : only a column is meant: it was written ``column:NAME``.
    """

    text: str
    is_column: bool = False

    def column_in(self, columns: Sequence[str]) -> str | None:
        """The column of that name, or else the one that differs in case only."""
        return called(self.text, columns)

    def of(self, name: str) -> str | None:
        """The class in the last part of a path, or None if the expression matches nothing."""
        return search_pattern(self.text, nfc(PurePosixPath(name).name)) or None

    def refuse(self, columns: Sequence[str], example: str) -> BakeoffError:
        """The error for a text that is neither a column nor in the names.

        Parameters
        ----------
        columns : those that there are.
        example : the name of a picture.
        """
        known = ", ".join(columns[:20]) or "there are none"
        if self.is_column:
            return BakeoffError(
                f"--label column:{self.text}",
                f"there is no such column (columns: {known})",
                "Name one of these columns",
            )
        return BakeoffError(
            f"--label '{self.text}'",
            f"it is not a column (columns: {known}), and as a regular expression it matches no "
            f"name of a picture, such as '{example}'",
            "Name a column, or change the expression",
        )


def parse_labelling(text: str) -> Labelling:
    """Parse the text of ``--label``: ``column:NAME``, or a column or regular expression.

    Raises
    ------
    BakeoffError
        It is empty, or neither can be meant.
    """
    text = nfc(text)
    if text.startswith(_COLUMN) and (column := text.removeprefix(_COLUMN).strip()):
        return Labelling(column, is_column=True)
    if not text or text == _COLUMN:
        raise BakeoffError(f"--label '{text}'", "it is empty", "Give a column, or a pattern")
    check_pattern(
        text, f"--label '{text}'", "Give the name of a column, or a pattern such as '^[a-z]+'"
    )
    return Labelling(text)


def pattern_in_names(names: Iterable[str]) -> str | None:
    """The expression that finds classes in the names of these files, or None if none shows.

    Every name must match, and every class must have two pictures or more and at least two
    classes must be there, of which most have more.
    """
    bases = [nfc(PurePosixPath(name).name) for name in names]
    for pattern in _PATTERNS:
        found = Counter(match[1] for base in bases if (match := re.search(pattern, base)))
        if found.total() == len(bases) and len(found) >= 2 and min(found.values()) >= 2:
            return pattern
    return None
