"""The rows of a table of texts, whatever it is written in: CSV, TSV, lines, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bakeoff.data.readers.lines import delimiter_of, text_of
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["SUFFIXES", "TextTable", "read_text_table"]

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".xlsx")
_MAX_BYTES = 500_000_000
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table.

    Attributes
    ----------
    header : names of the columns, or None if the first row may be one, or not.
    rows : cells of each row, as many as there are columns.
    places : of each row, for people: "line 3".
    left_out : rows that cannot be used.
    """

    header: tuple[str, ...] | None
    rows: list[list[str]]
    places: list[str]
    left_out: list[LeftOut] = field(default_factory=list)


def read_text_table(path: Path, first: int | None = None) -> TextTable:
    """Read a table whole, or only some of its first rows.

    Parameters
    ----------
    path : a file with one of the `SUFFIXES`; UTF-8, UTF-16 or the code page of Windows.
    first : how many rows to read; None for all.

    Raises
    ------
    BakeoffError
        It cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        raise BakeoffError(path.name, "it is a spreadsheet", "Save it as CSV (UTF-8)")
    if suffix == ".parquet":
        return _parquet(path, first)
    if path.stat().st_size > _MAX_BYTES:
        raise BakeoffError(path.name, "it is larger than 500 MB", "Check that it is the right file")
    with path.open("rb") as file:
        data = file.read(_HEAD_BYTES if first is not None else _MAX_BYTES)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BakeoffError(path.name, "it is not text", "Save it as CSV (UTF-8)")
    if first is not None and len(data) == _HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1]  # without a line that is cut short
    text = text_of(data)
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path.name, text, first)
    delimiter = delimiter_of(text.partition("\n")[0])
    if delimiter is None:
        return _bare_lines(text, first)
    return _delimited(path.name, text, delimiter, first)


def _delimited(name: str, text: str, delimiter: str, first: int | None) -> TextTable:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    table = TextTable(None, [], [])
    width = 0
    try:
        for cells in reader:
            if not any(map(str.strip, cells)):
                continue
            width = width or len(cells)
            where = f"line {reader.line_num}"
            if len(cells) != width:
                problem = f"the row has {len(cells)} cells, the first one {width}"
                table.left_out.append(LeftOut(f"{name} {where}", problem, "Correct the row"))
                continue
            table.rows.append([nfc(cell).strip() for cell in cells])
            table.places.append(where)
            if len(table.rows) == first:
                break
    except csv.Error as error:
        raise BakeoffError(
            f"{name} line {reader.line_num}", f"it is not CSV ({error})", "Save it as CSV again"
        ) from error
    return table


def _bare_lines(text: str, first: int | None) -> TextTable:
    """Lines of a name and a label, such as "p00.jpg 0": the name may hold blanks."""
    table = TextTable(None, [], [])
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.rsplit(None, 1)
        if cells:
            table.rows.append([nfc(cell).strip() for cell in (*cells, "")[:2]])
            table.places.append(f"line {number}")
        if len(table.rows) == first:
            break
    return table


def _json_lines(name: str, text: str, first: int | None) -> TextTable:
    objects: list[tuple[str, dict[str, Any]]] = []
    left_out: list[LeftOut] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            objects.append((f"line {number}", row))
        else:
            problem = "it is not a JSON object"
            left_out.append(LeftOut(f"{name} line {number}", problem, "Correct the line"))
        if len(objects) == first:
            break
    header = tuple(dict.fromkeys(key for _, row in objects for key in row))
    rows = [[_text(row.get(key)) for key in header] for _, row in objects]
    places = [where for where, _ in objects]
    return TextTable(tuple(map(nfc, header)), rows, places, left_out)


def _parquet(path: Path, first: int | None) -> TextTable:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BakeoffError(
            path.name,
            "reading Parquet needs pyarrow, which is not installed",
            "Install it: pip install 'bakeoff[parquet]'",
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            plain = [f.name for f in schema if not pyarrow.types.is_nested(f.type) and _plain(f)]
            batches = file.iter_batches(batch_size=min(first or 4096, 4096), columns=plain)
            records = (record for batch in batches for record in batch.to_pylist())
            rows = [[_text(r[name]) for name in plain] for r in islice(records, first)]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BakeoffError(
            path.name,
            f"it is not a Parquet file, or damaged ({error})",
            "Copy or download it again",
        ) from error
    places = [f"row {number}" for number in range(1, len(rows) + 1)]
    return TextTable(tuple(map(nfc, plain)), rows, places)


def _plain(column: Any) -> bool:
    """Whether a column holds no bytes, which may be megabytes of pictures."""
    return "binary" not in str(column.type)


def _text(value: object) -> str:
    """A value as a cell; nested ones and gaps are empty."""
    if isinstance(value, bool) or value is None or value != value:
        return "" if value is None or value != value else str(int(value is True))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return nfc(str(value)).strip() if isinstance(value, str | int | float) else ""
