"""Text files of numbers, line by line: compression, encoding, delimiters, bounds."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bakeoff.errors import BakeoffError

__all__ = [
    "TableLimits",
    "delimiter_of",
    "open_unpacked",
    "read_lines",
    "refuse_binary",
    "split",
    "text_of",
]

_BLOCK = 1 << 22
_GZIP = b"\x1f\x8b"
_SAVE_AS_TEXT = "Save it as CSV (UTF-8) text"


@dataclass(frozen=True, slots=True)
class TableLimits:
    """Bounds on one table.

    Attributes
    ----------
    max_bytes : of text, after unpacking.
    max_line_bytes : of one row; 512×512 pixels in colour take 3 MB.
    max_matrix_bytes : of a file that holds one picture.
    """

    max_bytes: int = 8_000_000_000
    max_line_bytes: int = 16_000_000
    max_matrix_bytes: int = 64_000_000


def open_unpacked(path: Path) -> IO[bytes]:
    """Open a file for reading; a gzipped file of any name is unpacked."""
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def read_lines(path: Path, limits: TableLimits) -> Iterator[tuple[int, str]]:
    """Yield every line that is not blank, with its number from 1; only a block is in memory.

    Raises
    ------
    BakeoffError
        It is not text, is damaged, or exceeds `limits`.
    """
    number = total = 0
    rest = b""
    try:
        with open_unpacked(path) as stream:
            while block := stream.read(_BLOCK):
                refuse_binary(block, path.name)
                total += len(block)
                *whole, rest = (rest + block).split(b"\n")
                if total > limits.max_bytes or len(rest) > limits.max_line_bytes:
                    raise BakeoffError(
                        path.name, "it is too long for a table", "Split it into several files"
                    )
                for line in text_of(b"\n".join(whole)).split("\n") if whole else ():
                    number += 1
                    if line.strip():
                        yield number, line
            if rest.strip():
                yield number + 1, text_of(rest)
    except (OSError, EOFError, zlib.error) as error:
        raise BakeoffError(
            path.name, f"it cannot be read to its end ({error})", "Copy or download it again"
        ) from error


def refuse_binary(data: bytes, name: str) -> None:
    """Raise if `data`, called `name`, is not text."""
    if data.startswith(b"PK\x03\x04"):
        raise BakeoffError(name, "it is a spreadsheet or zip file, not text", _SAVE_AS_TEXT)
    if b"\0" in data:
        raise BakeoffError(name, "it is not text", _SAVE_AS_TEXT)


def text_of(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 with a byte order mark, or else UTF-8 or the code page of Windows."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def delimiter_of(line: str) -> str | None:
    """The delimiter between the fields of a line; None for blanks.

    A semicolon takes precedence over the comma, which may then be a decimal comma.
    """
    if ";" in line:
        return ";"
    commas, tabs = line.count(","), line.count("\t")
    if not commas and not tabs:
        return None
    return "," if commas >= tabs else "\t"


def split(line: str, delimiter: str | None) -> list[str]:
    """Split a line into its fields, without their blanks and quotes."""
    fields = line.split(delimiter)
    if '"' in line and delimiter is not None:
        try:
            fields = next(csv.reader([line], delimiter=delimiter))
        except csv.Error:
            return fields  # an unclosed quote, whose field is not a number anyway
    return [text.strip().strip('"') for text in fields]
