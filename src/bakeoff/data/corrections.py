"""Corrections of a dataset: labels that change and pictures that stay out, the source untouched."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.validate import validate
from bakeoff.data.words import count, undone
from bakeoff.errors import BakeoffError, LeftOut

__all__ = [
    "ASKED",
    "COLUMNS",
    "Action",
    "Correction",
    "acting_of",
    "corrected",
    "corrected_alone",
    "read_corrections",
]

Action: TypeAlias = Literal["relabel", "leave out", "keep"]

COLUMNS = ("action", "name", "label", "proposed", "why", "quality")
ASKED = "you asked for it in corrections.csv"
_NEEDED = COLUMNS[:4]
_MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do with one picture.

    Attributes
    ----------
    action : give it the label `proposed`, leave it out, or keep it as it is.
    name : the picture's, as in `Dataset.names`.
    label : the class that it has now; empty where that does not matter.
    proposed : the class that it should have.
    why : in words, for whoever decides.
    quality : of the label it has, from 0 (surely wrong) to 1; None where nothing was measured.
    line : of the file that it came from, 0 where it came from none.
    """

    action: Action
    name: str
    label: str = ""
    proposed: str = ""
    why: str = ""
    quality: float | None = None
    line: int = 0

    @property
    def where(self) -> str:
        """What an error says of it."""
        return f"corrections line {self.line} ({self.name})" if self.line else self.name


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Read a table of corrections, such as a run leaves in corrections.csv.

    The columns action, name, label and proposed are needed, in any order; why and quality are for
    people. A byte order mark, semicolons and tabs in the place of commas, and the apostrophe that
    keeps a spreadsheet from running a name as a formula are all undone.

    Raises
    ------
    BakeoffError
        The file is no such table, or a line of it says what can not be done.
    """
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(path, header)
        return tuple(
            _correction(path, header, cells, reader.line_num)
            for cells in reader
            if any(cell.strip() for cell in cells)
        )
    except csv.Error as error:
        raise BakeoffError(
            f"{path.name} line {reader.line_num}",
            f"it is not CSV ({error})",
            "Save it as CSV again",
        ) from error


def acting_of(
    corrections: str | os.PathLike[str] | Sequence[Correction],
) -> tuple[Correction, ...]:
    """Those that do something, of a table or of what it says; see `read_corrections`."""
    if isinstance(corrections, str | os.PathLike):
        corrections = read_corrections(Path(corrections).expanduser())
    return tuple(one for one in corrections if one.action != "keep")


def corrected(dataset: Dataset, corrections: Sequence[Correction]) -> Dataset:
    """The dataset with its corrections; pictures, files and the dataset given stay as they are.

    Made for a dataset as it was found, which `validate` has not seen: what stays out is listed in
    `left_out`, and a class that has lost its pictures is still a class.

    Raises
    ------
    BakeoffError
        A correction names no picture or several, a class that there is not, or another label
        than the picture has; or two corrections contradict each other.
    """
    acting = acting_of(corrections)
    if not acting:
        return dataset
    times = Counter(dataset.names)
    row_of = {name: row for row, name in enumerate(dataset.names)}
    number_of = {name: number for number, name in enumerate(dataset.classes)}
    labels = dataset.labels.copy()
    kept = np.ones(len(dataset), dtype=np.bool_)
    done: dict[str, Correction] = {}
    for one in acting:
        _check_name(one, dataset.name, times[one.name])
        _check_said_before(one, done)
        row = row_of[one.name]
        _check_label(one, dataset, int(dataset.labels[row]))
        if one.action == "leave out":
            kept[row] = False
        else:
            labels[row] = _number(one, number_of)
    if not kept.any():
        raise BakeoffError(dataset.name, "every picture is left out", "Keep some")
    out = tuple(
        LeftOut(one.name, ASKED, "Delete that line to have it back")
        for one in done.values()
        if one.action == "leave out"
    )
    relabelled = len(done) - len(out)
    words = [
        dataset.description,
        f"{count(relabelled, 'label')} corrected" if relabelled else "",
        f"{count(len(out), 'picture')} left out as asked" if out else "",
    ]
    changed = replace(
        dataset,
        labels=labels,
        left_out=dataset.left_out + out,
        description=", ".join(word for word in words if word),
    )
    return changed.take(np.flatnonzero(kept))


def corrected_alone(dataset: Dataset, corrections: Sequence[Correction]) -> Dataset:
    """A dataset that `validate` has seen, corrected and finished anew."""
    changed = corrected(dataset, corrections)
    return (
        dataset
        if changed is dataset
        else replace(validate(changed), description=changed.description)
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BakeoffError(
                str(path),
                f"is larger than {_MAX_BYTES // 1_000_000} MB",
                "Check that it is the right file",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BakeoffError(
            str(path), "is not a text file in UTF-8", "Save it as CSV in UTF-8"
        ) from None
    except OSError as error:
        raise BakeoffError(
            str(path),
            f"can not be read ({error.strerror or error})",
            "Name a table such as the corrections.csv that a run or bakeoff check leaves",
        ) from error


def _delimiter(text: str) -> str:
    """Spreadsheets of half the world write semicolons."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


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
            f"{path.name} line 1", "a column is there twice", "Name each column once"
        )


def _correction(path: Path, header: list[str], cells: list[str], line: int) -> Correction:
    where = f"{path.name} line {line}"
    if len(cells) != len(header):
        raise BakeoffError(
            where, f"it has {len(cells)} cells, the header {len(header)}", "Mend the line"
        )
    cell = dict(zip(header, map(undone, cells), strict=True))
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
        f"the action '{cell['action']}' is none of {', '.join(get_args(Action))}",
        "Write one of these",
    )


def _quality(where: str, cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        # In a spreadsheet of half the world a comma parts whole from tenths.
        quality = float(cell.replace(",", "."))
    except ValueError:
        quality = math.nan
    if not 0 <= quality <= 1:
        raise BakeoffError(
            where, f"the quality '{cell}' is no number from 0 to 1", "Mend it, or leave it empty"
        )
    return quality


def _check_name(one: Correction, dataset: str, times: int) -> None:
    if times == 1:
        return
    if times:
        raise BakeoffError(
            one.where,
            f"{count(times, 'picture')} of {dataset} have this name, so which is meant is not told",
            "Rename the pictures, and check the set again",
        )
    raise BakeoffError(
        one.where,
        f"{dataset} has no picture of this name",
        "Write the name as bakeoff check does, or delete the line",
    )


def _check_said_before(one: Correction, done: dict[str, Correction]) -> None:
    before = done.setdefault(one.name, one)
    if (before.action, before.proposed) != (one.action, one.proposed):
        raise BakeoffError(
            one.where,
            f"line {before.line} says otherwise of the same picture",
            "Delete one of them",
        )


def _check_label(one: Correction, dataset: Dataset, number: int) -> None:
    has = "" if number == UNLABELLED else dataset.classes[number]
    if one.label and one.label != has:
        raise BakeoffError(
            one.where,
            f"its label is '{has}', not '{one.label}'" if has else "it has no label",
            "Check the set again, or delete the line if the label was mended in the source",
        )


def _number(one: Correction, number_of: dict[str, int]) -> int:
    if one.proposed in number_of:
        return number_of[one.proposed]
    raise BakeoffError(
        one.where,
        f"'{one.proposed}' is none of the classes" if one.proposed else "no class is proposed",
        f"Propose one of {', '.join(list(number_of)[:20])}{' …' if len(number_of) > 20 else ''}",
    )
