"""Arrays written as text: pixels in x_train.csv, and their labels in y_train.csv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pixels import picture_shape
from bakeoff.data.readers.arrays import Array
from bakeoff.data.readers.columns import counts_up, has_header, is_id_name, is_number, label_place
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.readers.lines import TableLimits, delimiter_of, read_lines, split
from bakeoff.data.readers.number_lines import first_unread, numbers_of, why_not
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.errors import BakeoffError

__all__ = ["SUFFIXES", "array_of_text", "holds_labels", "holds_pixels"]

SUFFIXES = (".csv", ".tsv", ".txt")
_LIMITS = TableLimits()
_TOP = 20  # lines
_BLOCK = 4096  # lines


def holds_pixels(path: Path) -> bool:
    """Whether each row of a table is a square picture and nothing else, so no label."""
    top = _Top.of(path)
    return top is not None and picture_shape(top.width) is not None and top.all_numbers


def holds_labels(path: Path) -> bool:
    """Whether a table has a label in each row, and beside it at most the number of the row."""
    top = _Top.of(path)
    return top is not None and top.label_columns is not None


def array_of_text(path: Path, limits: ArrayLimits) -> Array:
    """The values of a table, N×columns of numbers for pixels and N numbers or texts for labels.

    Parameters
    ----------
    path : a table for which `holds_pixels` or `holds_labels` is true, with a header or without.
    limits : bounds on the array.

    Raises
    ------
    BakeoffError
        A row has too few or too many fields, or one that is no number.
    """
    top = _Top.of(path)
    if top is None:
        raise BakeoffError(path.name, "it is not a table", "Save it as CSV again")
    columns = top.label_columns
    values = _pixels(path, top) if columns is None else _labels(path, top, columns)
    stream = BytesIO()
    np.save(stream, values, allow_pickle=False)
    data = stream.getvalue()
    return Array(lambda: BytesIO(data), len(data), path.name, limits)


@dataclass(frozen=True, slots=True)
class _Top:
    """The first rows of a table, all of the same width."""

    delimiter: str | None
    rows: list[list[str]]
    header: list[str] | None

    @classmethod
    def of(cls, path: Path) -> _Top | None:
        try:
            lines = [line for _, line in islice(read_lines(path, _LIMITS), _TOP)]
        except BakeoffError:
            return None
        delimiter = delimiter_of(lines[0]) if lines else None
        # A single column of texts may hold blanks.
        one = delimiter is None and not all(map(is_number, (lines or [""])[-1].split()))
        rows = [[line.strip()] if one else split(line, delimiter) for line in lines]
        if len({len(row) for row in rows}) != 1 or len(rows) < 2:
            return None
        header = _header(rows)
        return cls(delimiter, rows if header is None else rows[1:], header)

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def all_numbers(self) -> bool:
        return all(is_number(field) for row in self.rows for field in row)

    @property
    def label_columns(self) -> tuple[int, ...] | None:
        """The place of the label: the only column, or that beside the numbers of the rows.

        All columns, if they are one-hot.
        """
        if self.width == 1:
            return (0,)
        if self.width == 2:
            names = [name.lower() for name in self.header or ()]
            if (known := label_place(names)) is not None:
                return (known,)
            first = [row[0] for row in self.rows]
            numbered = all(map(str.isdecimal, first)) and counts_up(set(map(int, first)))
            return (1,) if numbered or (names and is_id_name(names[0])) else None
        hot = all(sorted(row) == ["0"] * (self.width - 1) + ["1"] for row in self.rows)
        return tuple(range(self.width)) if hot else None


def _header(rows: Sequence[list[str]]) -> list[str] | None:
    """The first row, if it names the columns."""
    first, second = rows[0], rows[1]
    names = [field.lower() for field in first]
    if len(first) > 2:
        return first if has_header(first, second) else None
    known = label_place(names) is not None or any(map(is_id_name, names))
    above = any(not is_number(a) and is_number(b) for a, b in zip(first, second, strict=True))
    return first if known or above else None


def _labels(path: Path, top: _Top, columns: Sequence[int]) -> NDArray[np.generic]:
    if len(columns) > 1:
        return _pixels(path, top)
    texts = []
    for number, line in _below_header(path, top):
        fields = [line.strip().strip('"')] if top.width == 1 else split(line, top.delimiter)
        if len(fields) != top.width:
            raise BakeoffError(
                f"{path.name} row {number}", *why_not(line, top.width, top.delimiter)
            )
        texts.append(fields[columns[0]])
    meant = as_meant(texts)
    try:
        return np.asarray([int(text) for text in meant])
    except ValueError:
        return np.asarray(meant)


def _pixels(path: Path, top: _Top) -> NDArray[np.generic]:
    """As bytes where they hold the numbers: a quarter of the memory."""
    rows = _below_header(path, top)
    blocks: list[NDArray[np.generic]] = []
    while block := list(islice(rows, _BLOCK)):
        try:
            values = numbers_of([line for _, line in block], top.delimiter)
        except ValueError as error:
            number, line = first_unread(block, top.width, top.delimiter)
            problem, hint = why_not(line, top.width, top.delimiter)
            raise BakeoffError(f"{path.name} row {number}", problem, hint) from error
        whole = np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
        blocks.append(whole if (whole == values).all() else values)
    return np.concatenate(blocks)


def _below_header(path: Path, top: _Top) -> Iterator[tuple[int, str]]:
    return islice(read_lines(path, _LIMITS), int(top.header is not None), None)
