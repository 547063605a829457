"""Labels that people give to pictures without one, and the pictures that wait for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bakeoff.data.correction import Correction
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.readers.combine import combine
from bakeoff.data.table_lines import table_lines
from bakeoff.data.words import from_spreadsheet, nfc
from bakeoff.errors import BakeoffError
from bakeoff.said import described, say

__all__ = [
    "given_labels",
    "gives_labels",
    "joined",
    "read_labels",
    "unlabelled_rows",
    "without_waiting",
]

_HINT = "Give the next.csv of bakeoff next, or any table with the columns name and label"
_BESIDE = "they are in folders of classes or in a table"


def read_labels(path: str | os.PathLike[str]) -> tuple[Correction, ...]:
    """Read a table of new labels, such as a next.csv that somebody has filled in.

    The columns name and label are needed, in any order; other columns are for people. Rows without
    a label are passed over. The label may be a new class.

    Returns
    -------
    A correction for each label, of a picture that may have none so far.

    Raises
    ------
    BakeoffError
        The file is no such table, or gives one picture two labels.
    """
    path = Path(path).expanduser()
    lines = table_lines(path, _HINT)
    header = [cell.strip().lower() for cell in next(lines, (1, []))[1]]
    for column in ("name", "label"):
        if header.count(column) != 1:
            problem = f"there must be one column called {column}; found {header.count(column)}"
            raise BakeoffError(f"{path.name} line 1", problem, _HINT)
    name_at, label_at = header.index("name"), header.index("label")
    labels: dict[str, Correction] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            problem = f"it has {len(cells)} cells, the header {len(header)}"
            raise BakeoffError(f"{path.name} line {line}", problem, "Correct the line")
        name, label = (nfc(from_spreadsheet(cells[at])) for at in (name_at, label_at))
        if not label.strip():
            continue
        correction = Correction(
            "relabel", name, proposed=label.strip(), why="labelled by hand", line=line
        )
        before = labels.setdefault(name, correction)
        if before.proposed != correction.proposed:
            problem = f"{name} is {before.proposed} in line {before.line}, here {label.strip()}"
            raise BakeoffError(f"{path.name} line {line}", problem, "Delete one of the lines")
    return tuple(labels.values())


def given_labels(
    labels: str | os.PathLike[str] | Sequence[Correction],
) -> tuple[Correction, ...]:
    """The labels in a file, see `read_labels`, or in a list."""
    return read_labels(labels) if isinstance(labels, str | os.PathLike) else tuple(labels)


def gives_labels(corrections: Sequence[Correction]) -> bool:
    """Whether some of the corrections are for pictures that may have no label so far."""
    return any(row.action == "relabel" and not row.label for row in corrections)


def joined(dataset: Dataset, more: Dataset) -> Dataset:
    """A set with further pictures, which have no label, at its end.

    Their names begin with that of their folder, and in a set with groups they are a group, so that
    what comes from one place is not on both sides of a fold.

    Raises
    ------
    BakeoffError
        All of the further pictures have a label.
    """
    if len(more) and not (more.labels == UNLABELLED).any():
        classes = ", ".join(more.classes[:5]) + (" …" if len(more.classes) > 5 else "")
        raise BakeoffError(
            more.name,
            f"all of its pictures have a class already ({classes}), since {_BESIDE}",
            "Give a folder with pictures and no sub-folders; or train on these with bakeoff run",
        )
    names = tuple(f"{more.name}/{name}" for name in more.names)
    added = replace(more, names=names)
    if dataset.groups is not None:
        one = np.zeros(len(more), dtype=np.int64)
        added = replace(added, groups=one, group_names=(more.name,))
    both = combine(
        [
            (dataset, dataset.name, False),
            (added, more.name, False),
        ]
    )
    test = None
    if dataset.official_test is not None:
        test = np.concatenate([dataset.official_test, np.zeros(len(more), dtype=np.bool_)])
    return replace(
        both,
        official_test=test,
        doubts=dataset.doubts,
        description=dataset.description,
    )


def without_waiting(dataset: Dataset) -> Dataset:
    """The dataset without the pictures that have no label, if some have one."""
    waiting = unlabelled_rows(dataset)
    if not waiting or len(waiting) == len(dataset):
        return dataset
    words = say("set.wait", n=len(waiting))
    kept = dataset.take(np.flatnonzero(dataset.labels != UNLABELLED))
    return replace(kept, description=described(kept.description, words))


def unlabelled_rows(dataset: Dataset) -> list[int]:
    """The rows of the pictures that have no label."""
    return [int(row) for row in np.flatnonzero(dataset.labels == UNLABELLED)]
