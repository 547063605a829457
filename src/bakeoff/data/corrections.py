"""Corrections of a dataset: labels to change and pictures to leave out; files stay unchanged."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from bakeoff.data.correction import Action, Correction
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.new_labels import gives_labels, joined, without_waiting
from bakeoff.data.table_lines import table_lines
from bakeoff.data.validate import validate
from bakeoff.data.words import count, from_spreadsheet, nfc
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.said import described, say

__all__ = [
    "ASKED",
    "COLUMNS",
    "Action",
    "Correction",
    "active_corrections",
    "correct_validated",
    "corrected",
    "read_corrections",
]

COLUMNS = ("action", "name", "label", "proposed", "why", "quality")
ASKED = "you asked for it in corrections.csv"
_NEEDED = COLUMNS[:4]
_HINT = "Give a table such as the corrections.csv of a run or of bakeoff check"


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Read a table of corrections, such as the corrections.csv of a run.

    The columns action, name, label and proposed are needed, in any order; why and quality are for
    people. It may have a byte order mark, semicolons or tabs instead of commas, and the apostrophe
    that keeps a spreadsheet from running a name as a formula. Its encoding is UTF-8, UTF-16 or the
    code page of Windows.

    Raises
    ------
    BakeoffError
        The file is not such a table, or one of its lines is not a correction.
    """
    lines = table_lines(path, _HINT)
    header = [cell.strip().lower() for cell in next(lines, (1, []))[1]]
    _check_header(path, header)
    return tuple(_correction(path, header, cells, line) for line, cells in lines)


def active_corrections(
    corrections: str | os.PathLike[str] | Sequence[Correction],
) -> tuple[Correction, ...]:
    """The corrections with an effect, from a file or a list; see `read_corrections`."""
    if isinstance(corrections, str | os.PathLike):
        corrections = read_corrections(Path(corrections).expanduser())
    return tuple(row for row in corrections if row.action != "keep")


def corrected(dataset: Dataset, corrections: Sequence[Correction]) -> Dataset:
    """A corrected copy of the dataset; the dataset itself and its files stay as they are.

    For datasets before `validate`: pictures that are left out are listed in `left_out`, and a
    class without any picture left is still a class.

    Raises
    ------
    BakeoffError
        A correction names no picture or several, an unknown class, or another label than the
        picture has; or two corrections contradict each other. Only a picture without a label may
        get a class that is new.
    """
    acting = active_corrections(corrections)
    if not acting:
        return dataset
    acting = tuple(map(_in_nfc, acting))
    times = Counter(map(nfc, dataset.names))
    row_of = {nfc(name): row for row, name in enumerate(dataset.names)}
    dataset = replace(dataset, classes=_with_new_classes(dataset, acting, row_of))
    number_of = {nfc(name): number for number, name in enumerate(dataset.classes)}
    labels = dataset.labels.copy()
    kept = np.ones(len(dataset), dtype=np.bool_)
    done: dict[str, Correction] = {}
    for correction in acting:
        _check_name(correction, dataset.name, times[correction.name])
        _check_contradiction(correction, done)
        row = row_of[correction.name]
        _check_label(correction, dataset, int(dataset.labels[row]))
        if correction.action == "leave out":
            kept[row] = False
        else:
            labels[row] = _number(correction, number_of)
    if not kept.any():
        raise BakeoffError(dataset.name, "every picture is left out", "Delete some of the lines")
    out = tuple(
        LeftOut(correction.name, ASKED, "Delete that line to use it again")
        for correction in done.values()
        if correction.action == "leave out"
    )
    relabelled = len(done) - len(out)
    words = [
        dataset.description,
        say("set.corrected", n=relabelled) if relabelled else "",
        say("set.leftOutOnRequest", pictures=len(out)) if out else "",
    ]
    changed = replace(
        dataset,
        labels=labels,
        left_out=dataset.left_out + out,
        description=described(*words),
    )
    return changed.take(np.flatnonzero(kept))


def correct_validated(
    dataset: Dataset, corrections: Sequence[Correction], more: Dataset | None = None
) -> Dataset:
    """Correct a dataset that has been validated, and validate it again.

    Parameters
    ----------
    more : pictures without labels, of which the dataset gets those that are given one.
    """
    changed = corrected(dataset if more is None else joined(dataset, more), corrections)
    if more is not None or gives_labels(corrections):  # else they belong to the set, as it is
        changed = without_waiting(changed)
    return (
        dataset
        if changed is dataset
        else replace(validate(changed), description=changed.description)
    )


def _with_new_classes(
    dataset: Dataset, acting: Sequence[Correction], row_of: Mapping[str, int]
) -> tuple[str, ...]:
    """The classes, and after them those that only pictures without a label get."""
    known = set(map(nfc, dataset.classes))
    new = {
        correction.proposed
        for correction in acting
        if correction.action == "relabel"
        and correction.proposed
        and correction.name in row_of
        and dataset.labels[row_of[correction.name]] == UNLABELLED
    }
    return (*dataset.classes, *sorted(new - known))


def _in_nfc(correction: Correction) -> Correction:
    """Spreadsheets may write names in another form of Unicode than the files have."""
    return replace(
        correction,
        name=nfc(correction.name),
        label=nfc(correction.label),
        proposed=nfc(correction.proposed),
    )


def _check_header(path: Path, header: list[str]) -> None:
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise BakeoffError(
            f"{path.name} line 1",
            f"the column {missing[0]} is missing",
            f"The first line must name the columns: {','.join(COLUMNS)}",
        )
    if len(set(header)) < len(header):
        raise BakeoffError(
            f"{path.name} line 1", "two columns have the same name", "Name each column once"
        )


def _correction(path: Path, header: list[str], cells: list[str], line: int) -> Correction:
    where = f"{path.name} line {line}"
    if len(cells) != len(header):
        raise BakeoffError(
            where, f"it has {len(cells)} cells, the header {len(header)}", "Correct the line"
        )
    cell = dict(zip(header, map(from_spreadsheet, cells), strict=True))
    action = " ".join(cell["action"].lower().split())
    for known in get_args(Action):
        if action == known:
            return Correction(
                known,
                name=cell["name"],
                label=cell["label"],
                proposed=cell["proposed"],
                why=cell.get("why", ""),
                quality=_quality(where, cell.get("quality", "")),
                line=line,
            )
    raise BakeoffError(
        where,
        f"the action '{cell['action']}' is not one of {', '.join(get_args(Action))}",
        "Write one of these",
    )


def _quality(where: str, cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        # Many languages write a decimal comma, and so do their spreadsheets.
        quality = float(cell.replace(",", "."))
    except ValueError:
        quality = math.nan
    if not 0 <= quality <= 1:
        raise BakeoffError(
            where,
            f"the quality '{cell}' is not a number from 0 to 1",
            "Correct it, or leave it empty",
        )
    return quality


def _check_name(correction: Correction, dataset: str, times: int) -> None:
    if times == 1:
        return
    if times:
        raise BakeoffError(
            correction.where,
            f"{count(times, 'picture')} of {dataset} have this name, so the line is ambiguous",
            "Rename the pictures, and check the set again",
        )
    raise BakeoffError(
        correction.where,
        f"{dataset} has no picture of this name",
        "Write the name as in the table of bakeoff check, or delete the line",
    )


def _check_contradiction(correction: Correction, done: dict[str, Correction]) -> None:
    before = done.setdefault(correction.name, correction)
    if (before.action, before.proposed) != (correction.action, correction.proposed):
        raise BakeoffError(
            correction.where,
            f"it contradicts line {before.line} about the same picture",
            "Delete one of the lines",
        )


def _check_label(correction: Correction, dataset: Dataset, number: int) -> None:
    has = "" if number == UNLABELLED else nfc(dataset.classes[number])
    if correction.label and correction.label != has:
        raise BakeoffError(
            correction.where,
            f"its label is '{has}', not '{correction.label}'" if has else "it has no label",
            "Check the set again, or delete the line if the label was corrected in the source",
        )


def _number(correction: Correction, number_of: dict[str, int]) -> int:
    if correction.proposed in number_of:
        return number_of[correction.proposed]
    raise BakeoffError(
        correction.where,
        f"'{correction.proposed}' is not one of the classes"
        if correction.proposed
        else "no class is proposed",
        f"Propose one of {', '.join(list(number_of)[:20])}{' …' if len(number_of) > 20 else ''}",
    )
