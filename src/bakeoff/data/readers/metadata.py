"""The table in a folder of pictures: Hugging Face's metadata.csv and metadata.jsonl.

The convention is that of `datasets.load_dataset("imagefolder")`: one row per picture,
whose column ``file_name`` is a path relative to the table itself.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bakeoff.data.readers.labels import as_meant
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["METADATA_FILES", "Metadata", "find_metadata", "read_metadata"]

METADATA_FILES = ("metadata.csv", "metadata.jsonl")

_FILE_NAME = "file_name"
_LABEL_COLUMNS = ("label", "class", "category")
_MAX_BYTES = 500_000_000


@dataclass(frozen=True)
class Metadata:
    """The contents of one metadata file.

    Attributes
    ----------
    path : the file.
    rows : the row of each picture, by its path relative to the folder of `path`.
    columns : names of all columns but ``file_name``.
    label_column : the column that names the class, or None.
    left_out : rows that could not be used.
    """

    path: Path
    rows: Mapping[str, Mapping[str, str]]
    columns: tuple[str, ...]
    label_column: str | None
    left_out: tuple[LeftOut, ...]


def find_metadata(folder: Path) -> Path | None:
    """The metadata file of `folder`, or None."""
    for name in METADATA_FILES:
        if (folder / name).is_file():
            return folder / name
    return None


def read_metadata(path: Path, name: str) -> Metadata:
    """Read one metadata file, leaving out rows that cannot be used.

    Parameters
    ----------
    path : a .csv or .jsonl file.
    name : its name in errors, such as ``train/metadata.csv``.

    Raises
    ------
    BakeoffError
        The file cannot be read, or has no column ``file_name``.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise BakeoffError(name, "it is larger than 500 MB", "Check that it is the right file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BakeoffError(name, "it is not a text file in UTF-8", "Save it as UTF-8") from error
    left_out: list[LeftOut] = []
    parsed = _csv_rows(text, name) if path.suffix == ".csv" else _json_rows(text, name)
    rows: dict[str, dict[str, str]] = {}
    columns: dict[str, None] = {}
    for where, row in parsed:
        if isinstance(row, LeftOut):
            left_out.append(row)
            continue
        columns.update(dict.fromkeys(row))
        file_name = row.pop(_FILE_NAME, "")
        if not file_name:
            left_out.append(LeftOut(where, "it has no file_name", "Fill it in"))
            continue
        # Written on Windows, "smiley\01.png" means the same file. PurePosixPath drops "./".
        key = str(PurePosixPath(file_name.replace("\\", "/")))
        if key in rows:
            problem = f"it repeats the file_name '{file_name}'"
            left_out.append(LeftOut(where, problem, "Keep one row for each picture"))
            continue
        rows[key] = row
    if _FILE_NAME not in columns:
        raise BakeoffError(
            name, "it has no column file_name", "Add one: each picture's path beside this file"
        )
    del columns[_FILE_NAME]
    label_column = next((column for column in _LABEL_COLUMNS if column in columns), None)
    if label_column is not None:
        labels = as_meant([row.get(label_column, "") for row in rows.values()])
        for row, label in zip(rows.values(), labels, strict=True):
            row[label_column] = label
    return Metadata(path, rows, tuple(columns), label_column, tuple(left_out))


def _csv_rows(text: str, name: str) -> Iterator[tuple[str, dict[str, str] | LeftOut]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [nfc(column).strip() for column in next(reader, [])]
        if _FILE_NAME not in header:
            return
        for cells in reader:
            where = f"{name} line {reader.line_num}"
            if not any(cells):
                continue
            if len(cells) != len(header):
                problem = f"the row has {len(cells)} cells, the header {len(header)}"
                yield where, LeftOut(where, problem, "Correct the row")
                continue
            yield where, {c: cell.strip() for c, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise BakeoffError(
            f"{name} line {reader.line_num}", f"it is not CSV ({error})", "Save it as CSV again"
        ) from error


def _json_rows(text: str, name: str) -> Iterator[tuple[str, dict[str, str] | LeftOut]]:
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{name} line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            yield where, LeftOut(where, "it is not a JSON object", "Correct the line")
            continue
        # Nested values (boxes, captions) are not used; a missing value, which Python writes as
        # NaN, is an empty text.
        plain = {k: v for k, v in row.items() if isinstance(v, str | int | float) and v == v}
        yield where, {nfc(k): str(v).strip() for k, v in plain.items()}
