"""Which pictures belong together: who drew them, which style, which session."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.words import nfc, nor_others
from bakeoff.errors import BakeoffError

__all__ = [
    "Grouping",
    "called",
    "check_pattern",
    "encode_names",
    "parse_grouping",
    "search_pattern",
    "why_mixed",
]

_COLUMN = "column:"


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to find the group of a picture.

    Attributes
    ----------
    kind : "column" of the metadata, "folder" below the class, "pattern" in the file name, or
        "taken" in one series, which only all photos together show: see `series_of`.
    text : the column's name or the regular expression; empty for "folder".
    """

    kind: Literal["column", "folder", "pattern", "taken"]
    text: str = ""

    def of(self, name: str, folders: Sequence[str], row: Mapping[str, str]) -> str | None:
        """The group of one picture, or None if it has none.

        Parameters
        ----------
        name : the picture's path; a pattern is searched in its last part only.
        folders : the folders between the picture and its class folder, outermost first.
        row : the picture's metadata.
        """
        if self.kind == "column":
            return row.get(self.text) or None
        if self.kind == "folder":
            return folders[0] if folders else None
        if self.kind == "taken":
            return None
        return search_pattern(self.text, nfc(PurePosixPath(name).name))

    def refuse(self, without: Sequence[str]) -> BakeoffError:
        """The error for pictures to which this grouping assigns no group.

        Parameters
        ----------
        without : names of those pictures, at least one.
        """
        others = nor_others(len(without))
        problem, hint = {
            "column": (
                f"its column '{self.text}' is empty{others}",
                "Fill in the column, or name another with --group column:NAME",
            ),
            "folder": (
                f"it is directly in its class folder, so no sub-folder names its group{others}",
                "Move each picture into a sub-folder named after its group",
            ),
            "taken": (
                f"neither its EXIF block nor its name says when it was taken{others}",
                "Group the pictures otherwise: --group folder, or a pattern in their names",
            ),
            "pattern": (
                f"--group '{self.text}' matches nothing in its file name{others}",
                "Change the regular expression, or rename the picture",
            ),
        }[self.kind]
        return BakeoffError(without[0], problem, hint)


def parse_grouping(text: str) -> Grouping:
    """Parse the text of ``--group``.

    Parameters
    ----------
    text : ``column:NAME`` for a metadata column, ``folder`` for the sub-folder below
        the class, ``taken`` for photos of one series, anything else a regular expression
        searched in the file name; its first capture group names the group, or else the
        whole match.

    Raises
    ------
    BakeoffError
        The text is not a regular expression, or the column name is missing.
    """
    text = nfc(text)
    if text == "folder":
        return Grouping("folder")
    if text == "taken":
        return Grouping("taken", text)  # or a column of that name
    if text.startswith(_COLUMN):
        column = text.removeprefix(_COLUMN).strip()
        if not column:
            raise BakeoffError("--group column:", "the column's name is missing", "Add it")
        return Grouping("column", column)
    if not text:
        raise BakeoffError("--group ''", "it is empty", "Give column:NAME, folder, or a pattern")
    check_pattern(
        text, f"--group '{text}'", "Give column:NAME, folder, or a pattern such as '^[a-z]+'"
    )
    return Grouping("pattern", text)


def search_pattern(pattern: str, text: str) -> str | None:
    """What a regular expression finds in a text: its first capture group, or else all of it."""
    match = re.search(pattern, text)
    if match is None:
        return None
    # With a capture group, "digit17_left" can be grouped by the part that matters.
    return match[1] if match.re.groups else match[0]


def check_pattern(text: str, subject: str, hint: str) -> None:
    """Compile a regular expression.

    Raises
    ------
    BakeoffError
        It is none; `subject` and `hint` are those of the error.
    """
    with warnings.catch_warnings():
        # Python warns about patterns whose meaning a later version may change.
        warnings.simplefilter("ignore")
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            problem = f"it is not a regular expression ({error})"
            raise BakeoffError(subject, problem, hint) from error


def called(name: str, columns: Sequence[str]) -> str | None:
    """The column of that name, or else the one that differs in case only."""
    same = [column for column in columns if column.lower() == name.lower()]
    return name if name in same else same[0] if len(same) == 1 else None


def encode_names(values: Iterable[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Encode texts as indices into the sorted distinct texts, in NFC.

    Names that are all whole numbers are sorted as numbers, so '2' comes before '10'.

    Parameters
    ----------
    values : N texts.

    Returns
    -------
    N indices, and the distinct texts.
    """
    values = [nfc(value) for value in values]
    distinct = set(values)
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", value) for value in distinct):
        names = sorted(distinct, key=lambda value: (int(value), value))
    else:
        names = sorted(distinct)
    place = {name: index for index, name in enumerate(names)}
    return np.asarray([place[value] for value in values], dtype=np.int64), tuple(names)


def why_mixed(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    groups: NDArray[np.int64],
    folds: int,
    official_test: NDArray[np.bool_] | None = None,
) -> str | None:
    """Why the groups cannot be kept together in the folds, or None if they can.

    If they are kept together, each group is scored by models that never saw its hand or paper.
    For this every fold needs some groups, and every class must be in enough groups to be learned
    without the ones that are held out.

    Parameters
    ----------
    labels, groups : N, class and group of each picture; labels of -1 are ignored.
    classes : names of the classes.
    folds : 0 counts as five, for the test part that is then held out.
    official_test : N, the set's own test part, which is in no fold.

    Returns
    -------
    str or None
        The clause after "groups are mixed:".
    """
    parts = folds or 5
    trained = labels >= 0
    if official_test is not None:
        tested = np.unique(groups[trained & official_test])
        trained &= ~official_test
        if np.isin(groups[trained], tested).any():
            return "some are both in the set's own test part and in the rest"
    labels, groups = labels[trained], groups[trained]
    sizes = np.bincount(groups)
    count = np.count_nonzero(sizes)
    if count < 2 * parts:
        return f"{count} are too few: {parts} folds need at least {2 * parts} to be filled evenly"
    if 2 * sizes.max() > len(groups):
        return "one of them holds more than half of the pictures"
    for label in np.unique(labels):
        of_class = groups[labels == label]
        within = len(np.unique(of_class))
        if within < min(parts, len(of_class)):
            return f"class {classes[label]} is in {within} of them, fewer than {parts} folds"
    return None
