"""The table in a folder of pictures: Hugging Face's metadata.csv and metadata.jsonl.

The convention is that of `datasets.load_dataset("imagefolder")`: one row per picture,
whose column ``file_name`` is a path relative to the table itself.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bakeoff.data.readers.columns import label_place
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.readers.lines import delimiter_of, text_of
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["Metadata", "find_metadata", "is_metadata", "read_metadata"]

_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.tsv")
_FILE_COLUMNS = (
    *("file_name", "filename", "file", "file_path", "filepath", "path"),
    *("image", "image_name", "image_path", "img", "img_path", "picture"),
)
_MAX_BYTES = 500_000_000


@dataclass(frozen=True)
class Metadata:
    """The contents of one metadata file.

    Attributes
    ----------
    path : the file.
    rows : the row of each picture, by its path relative to the folder of `path`.
    columns : names of all columns but that of the files.
    label_column : the column that names the class, or None.
    left_out : rows that could not be used.
    """

    path: Path
    rows: Mapping[str, Mapping[str, str]]
    columns: tuple[str, ...]
    label_column: str | None
    left_out: tuple[LeftOut, ...]


def is_metadata(name: str) -> bool:
    """Whether a file of this name is a metadata file."""
    return name.lower() in _NAMES


def find_metadata(folder: Path) -> Path | None:
    """The metadata file of `folder`, or None."""
    with os.scandir(folder) as entries:
        found = sorted(e.path for e in entries if is_metadata(e.name) and e.is_file())
    return Path(found[0]) if found else None


def read_metadata(path: Path, name: str) -> Metadata:
    """Read one metadata file, leaving out rows that cannot be used.

    Parameters
    ----------
    path : a .jsonl file, or a table with commas, semicolons or tabs, in UTF-8, UTF-16 or the
        code page of Windows. Case and blanks in the names of its columns do not matter.
    name : its name in errors, such as ``train/metadata.csv``.

    Raises
    ------
    BakeoffError
        The file cannot be read, or has no column ``file_name`` or the like.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise BakeoffError(name, "it is larger than 500 MB", "Check that it is the right file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BakeoffError(
            name, f"it cannot be read ({error.strerror})", "Copy it again"
        ) from error
    text = text_of(data)
    if "\0" in text:
        raise BakeoffError(name, "it is not a text file", "Save it as UTF-8")
    left_out: list[LeftOut] = []
    lines = path.suffix.lower() == ".jsonl"
    parsed = _json_rows(text, name) if lines else _csv_rows(text, name)
    rows: dict[str, dict[str, str]] = {}
    columns: dict[str, None] = {}
    for where, row in parsed:
        if isinstance(row, LeftOut):
            left_out.append(row)
            continue
        columns.update(dict.fromkeys(row))
        files = _file_column(row)
        file_name = row.pop(files, "") if files else ""
        if not file_name:
            left_out.append(LeftOut(where, f"it has no {files or 'file_name'}", "Fill it in"))
            continue
        # Written on Windows, "smiley\01.png" means the same file. PurePosixPath drops "./".
        key = str(PurePosixPath(file_name.replace("\\", "/")))
        if key in rows:
            problem = f"it repeats the {files} '{file_name}'"
            left_out.append(LeftOut(where, problem, "Keep one row for each picture"))
            continue
        rows[key] = row
    files = _file_column(columns)
    if files is None:
        raise BakeoffError(
            name, "it has no column file_name", "Add one: each picture's path beside this file"
        )
    names = [column for column in columns if column != files]
    label_at = label_place([column.lower() for column in names])
    label_column = None if label_at is None else names[label_at]
    if label_column is not None:
        labelled = [row for row in rows.values() if label_column in row]
        labels = as_meant([row[label_column] for row in labelled])
        for row, label in zip(labelled, labels, strict=True):
            row[label_column] = label
    return Metadata(path, rows, tuple(names), label_column, tuple(left_out))


def _file_column(columns: Iterable[str]) -> str | None:
    """The column that names the files, such as ``File Name``."""
    known = {re.sub(r"[ _.-]+", "_", column.lower()): column for column in columns}
    return next((known[name] for name in _FILE_COLUMNS if name in known), None)


def _csv_rows(text: str, name: str) -> Iterator[tuple[str, dict[str, str] | LeftOut]]:
    delimiter = delimiter_of(text.partition("\n")[0]) or ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [nfc(column).strip() for column in next(reader, [])]
        if _file_column(header) is None:
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
