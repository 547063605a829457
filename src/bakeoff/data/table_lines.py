"""The lines of a small table that people write, in any of the ways that spreadsheets save one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from bakeoff.data.readers.lines import text_of
from bakeoff.errors import BakeoffError

__all__ = ["table_lines"]

_MAX_BYTES = 50_000_000


def table_lines(path: Path, hint: str) -> Iterator[tuple[int, list[str]]]:
    """The first line and each later one that is not empty: its number and its cells.

    Commas, semicolons or tabs are between the cells. The encoding is UTF-8, UTF-16 or the code
    page of Windows, with or without a byte order mark.

    Parameters
    ----------
    hint : of the error for a file that cannot be read.

    Raises
    ------
    BakeoffError
        The file cannot be read, is too large, or is no text or no CSV.
    """
    text = _text(path, hint)
    # Spreadsheets write semicolons where the comma is the decimal separator.
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader):
            if number == 0 or any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise BakeoffError(
            f"{path.name} line {reader.line_num}",
            f"it is not CSV ({error})",
            "Save it as CSV again",
        ) from error


def _text(path: Path, hint: str) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BakeoffError(
                str(path),
                f"is larger than {_MAX_BYTES // 1_000_000} MB",
                "Check that it is the right file",
            )
        text = text_of(path.read_bytes())
    except OSError as error:
        raise BakeoffError(
            str(path), f"cannot be read ({error.strerror or error})", hint
        ) from error
    if "\0" in text or "\ufffd" in text:
        raise BakeoffError(str(path), "is not a text file in UTF-8", "Save it as CSV in UTF-8")
    return text
