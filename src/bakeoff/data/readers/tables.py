"""Tables of numbers: one picture a row (Kaggle's CSV), or one picture a file."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.grouping import encode_names, parse_grouping
from bakeoff.data.pictures import PictureWriter
from bakeoff.data.pixels import BYTES, SHARES, SMALLEST_COLOUR, PixelRange, picture_shape
from bakeoff.data.planes import SAMPLE, are_planes, from_planes
from bakeoff.data.readers.class_names import SIDEWAYS, is_sideways
from bakeoff.data.readers.columns import (
    Columns,
    columns_of_header,
    columns_of_numbers,
    counts_up,
    few_whole_numbers,
    has_header,
    is_number,
)
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.readers.lines import (
    TableLimits,
    delimiter_of,
    open_unpacked,
    read_lines,
    refuse_binary,
    split,
    text_of,
)
from bakeoff.data.readers.number_lines import Converters, first_unread, numbers_of, why_not
from bakeoff.data.readers.reader import Reader
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "TableLimits", "is_matrix", "looks_like_table", "read_matrix", "read_table"]

_BLOCK_NUMBERS = 1 << 20
_LIMITS = TableLimits()


def looks_like_table(path: Path) -> bool:
    """Whether a file, gzipped or not, is text with rows of at least four numbers."""
    try:
        with open_unpacked(path) as stream:
            head = stream.read(1 << 16)
    except (OSError, EOFError, zlib.error):
        return False
    if b"\0" in head:
        return False
    lines = [line for line in text_of(head).splitlines() if line.strip()][:2]
    if not lines:
        return False
    # The second line, since the first may be a header. It may be cut off here, after many fields.
    fields = split(lines[-1], delimiter_of(lines[0]))
    return len(fields) >= 4 and sum(map(is_number, fields)) >= 0.8 * len(fields)


def read_table(
    path: Path,
    *,
    group: str | None = None,
    label: str | None = None,
    limits: TableLimits = _LIMITS,
) -> Dataset:
    """Read a table with one picture a row, such as Kaggle's digits.

    A header gives the meaning of the columns, in any order; without one, their number
    does (see `columns`). Pixels are 0–255 or 0–1: the scale is that of most rows of the
    whole table. Delimiters are comma, semicolon, tab or blanks. A picture may have no label. A
    row that cannot be read is left out and listed; rows count from 1 and include the header, as
    in editors.

    Parameters
    ----------
    path : CSV or the like, gzipped or not.
    group : ``column:NAME`` for the column with the group; by default the column called
        `group`, if there is one.
    label : name of the column with the label; see `columns_of_header`.
    limits : bounds on the text.

    Raises
    ------
    BakeoffError
        It is not a table, no row of it can be read, or no column can be identified as the label.
    """
    start = _start_of(path, group, label, limits)
    rows = _Rows(path, start, unit=None, limits=limits)
    if rows.unit is not rows.most_are_unit:
        # The first block had the other scale, as in a table sorted from faint to strong.
        rows = _Rows(path, start, unit=rows.most_are_unit, limits=limits)
    texts = {at: as_meant(column) for at, column in rows.texts.items()}
    full = rows.without_gaps(texts)
    if not full:
        if not rows.left_out:
            raise BakeoffError(path.name, "it has a header but no rows", "Add the pictures")
        first = rows.left_out[0]
        raise BakeoffError(
            path.name, f"no row can be read; {first.subject}: {first.problem}", first.hint
        )
    labels = np.full(len(full), UNLABELLED, dtype=np.int64)
    classes: tuple[str, ...] = ()
    if start.columns.label is not None:
        column = [texts[start.columns.label][row] for row in full]
        labelled = [row for row, text in enumerate(column) if text]
        labels[labelled], classes = encode_names(column[row] for row in labelled)
    groups: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()
    if start.columns.group is not None:
        groups, group_names = encode_names(texts[start.columns.group][row] for row in full)
    return Dataset(
        name=path.name.split(".")[0],
        pictures=rows.pictures.take(np.asarray(full, dtype=np.int64)),
        labels=labels,
        classes=classes,
        names=tuple(f"{path.name} row {rows.numbers[row]}" for row in full),
        groups=groups,
        group_names=group_names,
        left_out=tuple(rows.left_out),
        description=_words(start, path),
    )


def is_matrix(path: Path, *, limits: TableLimits = _LIMITS) -> bool:
    """Whether a table of numbers is one picture, rather than one picture a row.

    It has as many rows as columns, no header, and no label at either end of the rows: texts, or
    whole numbers that count up beside a square picture whose numbers are higher.
    """
    lines = [line for _, line in read_lines(path, limits)]
    delimiter = delimiter_of(lines[0]) if lines else None
    first = split(lines[0], delimiter) if lines else []
    if len(lines) < 2 or len(lines) != len(first):
        return False
    if has_header(first, split(lines[1], delimiter)):
        return False
    ends = [_column(path, delimiter, False, limits, at) for at in (0, -1)]
    if any(2 * sum(map(is_number, seen)) < len(seen) for seen in ends):
        return False
    shape = picture_shape(len(first) - 1, smallest_colour=SMALLEST_COLOUR)
    if shape is None or shape[0] < SMALLEST_COLOUR:
        return True
    inside = _highest_inside([split(line, delimiter) for line in lines[:100]])
    labels = (few_whole_numbers(seen) for seen in ends)
    return not any(values and counts_up(values) and max(values) < inside for values in labels)


def read_matrix(data: bytes, name: str, *, limits: TableLimits = _LIMITS) -> NDArray[np.uint8]:
    """Read one picture written as a matrix of numbers, such as 28 rows of 28.

    Parameters
    ----------
    data : text with comma, semicolon, tab or blanks between numbers of 0–255 or 0–1.
        One row or one column of n² numbers becomes n×n.
    name : its name in errors.
    limits : bounds on the text.

    Returns
    -------
    H×W×1 of uint8, both sides at least 2.

    Raises
    ------
    BakeoffError
        It is not a matrix of numbers in range.
    """
    if len(data) > limits.max_matrix_bytes:
        raise BakeoffError(name, "it is too long for one picture", "Make the picture smaller")
    refuse_binary(data, name)
    lines = [line for line in text_of(data).splitlines() if line.strip()]
    if not lines:
        raise BakeoffError(name, "the file is empty", "Save the picture again")
    delimiter = delimiter_of(lines[0])
    try:
        values = numbers_of(lines, delimiter)
    except ValueError as error:
        width = len(split(lines[0], delimiter))
        row, line = first_unread(enumerate(lines, 1), width, delimiter)
        problem, hint = why_not(line, width, delimiter)
        raise BakeoffError(name, f"in row {row} {problem}", hint) from error
    if 1 in values.shape and (shape := picture_shape(values.size, smallest_colour=values.size)):
        values = values.reshape(shape[:2])
    if min(values.shape) < 2:
        raise BakeoffError(
            name,
            f"it holds {values.shape[0]}×{values.shape[1]} numbers, which is not a picture",
            "Give one row of numbers for each row of pixels",
        )
    pixels = PixelRange.by_convention(float(values.min()), float(values.max()))
    if pixels not in (SHARES, BYTES):  # a NaN is in no range
        raise BakeoffError(
            name, "it holds numbers that are not pixels", "Scale them to 0–255 or to 0–1"
        )
    return pixels.to_bytes(values, np.float32)[..., None]


@dataclass(frozen=True, slots=True)
class _Start:
    """The format of a table and the meaning of its columns, from its first lines."""

    delimiter: str | None
    header: bool
    columns: Columns


def _start_of(path: Path, group: str | None, label: str | None, limits: TableLimits) -> _Start:
    lines = list(islice((line for _, line in read_lines(path, limits)), 2))
    if not lines:
        raise BakeoffError(path.name, "the file is empty", "Save the table again")
    delimiter = delimiter_of(lines[0])
    first, second = split(lines[0], delimiter), split(lines[-1], delimiter)
    grouping = None if group is None else parse_grouping(group)
    column = grouping.text if grouping and grouping.kind == "column" else None
    # A single line is a header if it consists of names: there is no line below to compare.
    header = has_header(first, second if len(lines) == 2 else ["0"] * len(first))
    seen = cache(partial(_column, path, delimiter, header, limits))
    if header:
        columns = columns_of_header(first, path.name, column, label, seen)
        return _Start(delimiter, True, _upright(path, delimiter, True, columns, limits))
    if wanted := column or label:
        raise BakeoffError(
            path.name,
            f"it has no header line, so no column is called '{wanted}'",
            "Add a header line: label,group,pixel0,pixel1,…",
        )
    # The width of most of the first rows, since the very first may be too short.
    top = [split(line, delimiter) for _, line in islice(read_lines(path, limits), 100)]
    width = Counter(map(len, top)).most_common(1)[0][0]
    columns = columns_of_numbers(width, seen, _highest_inside(top), path.name)
    return _Start(delimiter, False, _upright(path, delimiter, False, columns, limits))


def _upright(
    path: Path, delimiter: str | None, header: bool, columns: Columns, limits: TableLimits
) -> Columns:
    """The columns in reading order, though the table may be on its side or hold colour planes."""
    if is_sideways(path.name):
        places = np.asarray(columns.pixels).reshape(columns.shape).swapaxes(0, 1)
        return replace(columns, pixels=tuple(places.reshape(-1).tolist()))
    if columns.shape[2] == 1:
        return columns
    lines = islice(read_lines(path, limits), int(header), SAMPLE)
    rows = (split(line, delimiter) for _, line in lines)
    texts = [[row[at] for at in columns.pixels] for row in rows if len(row) == columns.width]
    numbers = [list(map(float, row)) for row in texts if all(map(is_number, row))]
    sample = np.nan_to_num(np.asarray(numbers, dtype=np.float32))
    if not are_planes(sample, columns.shape):
        return columns
    places = from_planes(np.asarray([columns.pixels]), columns.shape)
    return replace(columns, pixels=tuple(places.reshape(-1).tolist()))


def _highest_inside(rows: Sequence[Sequence[str]]) -> float:
    """The highest number between the first and the last column of some rows."""
    return max((float(text) for row in rows for text in row[1:-1] if is_number(text)), default=0.0)


def _column(
    path: Path, delimiter: str | None, header: bool, limits: TableLimits, at: int
) -> Counter[str]:
    """How often each text occurs in a column; -1 is the last."""
    seen: Counter[str] = Counter()
    for _, line in islice(read_lines(path, limits), int(header), None):
        if '"' in line and at > 0:
            fields = split(line, delimiter)
        elif at < 0:
            fields = line.rsplit(delimiter, 1)
        else:
            fields = line.split(delimiter, at + 1)
        if at < len(fields):
            seen[fields[at].strip(' \t\r"')] += 1
    return seen


class _Rows:
    """The rows of a table, read in one pass.

    Parameters
    ----------
    unit : whether pixels are 0–1; None leaves that to the first block with ink.

    Attributes
    ----------
    pictures, numbers, texts, left_out : pictures, their row numbers, their texts in the
        label and group columns, and the rows that could not be read.
    unit : whether pixels were read as 0–1.
    most_are_unit : whether most rows of the table are 0–1.
    """

    def __init__(self, path: Path, start: _Start, *, unit: bool | None, limits: TableLimits):
        self.unit = unit
        self.numbers: list[int] = []
        self.left_out: list[LeftOut] = []
        columns = start.columns
        self._name = path.name
        self._start = start
        self._text_at = [at for at in (columns.label, columns.group) if at is not None]
        self.texts: dict[int, list[str]] = {at: [] for at in self._text_at}
        self._codes: dict[str, int] = {}
        needed = {*columns.pixels, *self._text_at}
        # Other columns may hold any text: it becomes 0.
        self._converters: Converters = {
            at: _zero for at in range(columns.width) if at not in needed
        }
        self._converters |= dict.fromkeys(self._text_at, self._code)
        self._unit_rows = self._byte_rows = 0
        self._writer = PictureWriter()
        try:
            self._read_all(islice(read_lines(path, limits), int(start.header), None))
        finally:
            self.pictures = self._writer.finish()  # also owns the temporary file
        self.unit = bool(self.unit)
        self.most_are_unit = self._unit_rows > self._byte_rows

    def without_gaps(self, texts: Mapping[int, Sequence[str]]) -> list[int]:
        """The rows whose group is known, from 0; the others are left out."""
        full = []
        group = self._start.columns.group
        for row, number in enumerate(self.numbers):
            if group is None or texts[group][row]:
                full.append(row)
            else:
                self._leave_out(number, "it has no group", "Fill in the group")
        return full

    def _read_all(self, rows: Iterator[tuple[int, str]]) -> None:
        per_block = max(1, _BLOCK_NUMBERS // self._start.columns.width)
        while block := list(islice(rows, per_block)):
            numbers, lines = [number for number, _ in block], [line for _, line in block]
            try:
                values = self._parse(lines)
            except ValueError:
                values, numbers = self._one_by_one(block)
            self._take(values, numbers)

    def _take(self, values: NDArray[np.float32], numbers: list[int]) -> None:
        """Keep the rows of one block whose pixels are in range."""
        columns = self._start.columns
        pixels = values[:, columns.pixels]
        highest = pixels.max(axis=1)
        unit_rows = int(((highest > 0) & (highest <= 1)).sum())
        byte_rows = int((highest > 1).sum())
        self._unit_rows += unit_rows
        self._byte_rows += byte_rows
        if self.unit is None and unit_rows + byte_rows:
            self.unit = unit_rows > byte_rows
        scale = SHARES if self.unit else BYTES
        limit = scale.highest
        fine = (pixels.min(axis=1) >= 0) & (highest <= limit)  # both are false for NaN
        whole = scale.to_bytes(np.where(fine[:, None], pixels, 0), np.float32)
        known = list(self._codes)
        for row, number in enumerate(numbers):
            texts = {at: known[int(values[row, at])] for at in self._text_at}
            if not fine[row]:
                at = int(np.argmin((pixels[row] >= 0) & (pixels[row] <= limit)))
                problem = f"pixel {at} is {pixels[row, at]:g}, not 0 to {limit:g}"
                self._leave_out(number, problem, "Correct the number")
            else:
                self._writer.append(whole[row].reshape(columns.shape))
                self.numbers.append(number)
                for at, text in texts.items():
                    self.texts[at].append(text)

    def _parse(self, lines: Sequence[str]) -> NDArray[np.float32]:
        values = numbers_of(lines, self._start.delimiter, self._converters)
        if values.shape[1] != self._start.columns.width:
            raise ValueError("every row of the block is short, or long")
        return values

    def _one_by_one(self, block: list[tuple[int, str]]) -> tuple[NDArray[np.float32], list[int]]:
        """The rows of a block that can be read, and their numbers; the others are left out."""
        width = self._start.columns.width
        numbers: list[int] = []
        values = [np.zeros((0, width), dtype=np.float32)]
        for number, line in block:
            try:
                values.append(self._parse([line]))
                numbers.append(number)
            except ValueError:
                reason = why_not(line, width, self._start.delimiter, self._converters)
                self._leave_out(number, *reason)
        return np.concatenate(values), numbers

    def _code(self, text: str) -> float:
        """A number for a text, so that NumPy's parser of numbers can read it."""
        return self._codes.setdefault(text.strip(), len(self._codes))

    def _leave_out(self, number: int, problem: str, hint: str) -> None:
        self.left_out.append(LeftOut(f"{self._name} row {number}", problem, hint))


def _zero(_: str) -> float:
    return 0.0


def _words(start: _Start, path: Path) -> str:
    kaggle = start.header and start.delimiter == "," and start.columns.group is None
    colour = " in colour" if start.columns.shape[2] == 3 else ""
    kind = "Kaggle CSV" if kaggle else "table with a header" if start.header else "bare table"
    return f"{kind}{colour}{f' ({SIDEWAYS})' if is_sideways(path.name) else ''}"


READER = Reader(
    "table",
    "a CSV of pixels",
    looks_like_table,
    lambda path, request: read_table(path, group=request.group, label=request.label),
    groups="columns",
    labels="columns",
)
