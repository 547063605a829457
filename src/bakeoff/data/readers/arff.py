"""ARFF: the tables of Weka and OpenML, such as mnist_784.arff."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.lines import TableLimits, read_lines
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.readers.tables import read_table
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_arff"]

_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)\s+\S", re.IGNORECASE)
_HEAD = 4096


def is_arff(path: Path) -> bool:
    """Whether a file is a table in ARFF, packed or not."""
    if not path.is_file() or ".arff" not in path.name.lower():
        return False
    try:
        return any(line.lower().startswith("@relation") for _, line in _top(path))
    except BakeoffError:
        return False


def read_arff(path: Path, request: ReadRequest) -> Dataset:
    """Read a table of pixels; its attributes are the columns of `read_table`.

    Raises
    ------
    BakeoffError
        It is sparse, or not a table of pixels.
    """
    lines = iter(read_lines(path, TableLimits()))
    names: list[str] = []
    for _, line in lines:
        text = line.strip()
        if match := _ATTRIBUTE.match(text):
            names.append(match[1].strip("'\""))
        elif text.lower().startswith("@data"):
            break
    first = next((line for _, line in lines if not line.startswith("%")), "")
    if first.lstrip().startswith("{"):
        raise BakeoffError(
            path.name, "it is a sparse ARFF", "Save it as a dense one, or as CSV with a header"
        )
    with tempfile.TemporaryDirectory(prefix="bakeoff-") as folder:
        table = Path(folder) / "table.csv"
        with table.open("w", encoding="utf-8") as copy:
            copy.write(",".join(f'"{name}"' for name in names) + "\n")
            for text in chain([first], (line for _, line in lines)):
                if text.strip() and not text.startswith("%"):
                    copy.write(text.rstrip("\r\n").replace("'", '"') + "\n")
        try:
            data = read_table(table, group=request.group, label=request.label)
        except BakeoffError as error:
            subject = error.subject.replace(table.name, path.name)
            raise BakeoffError(subject, error.problem, error.hint) from None
    return replace(
        data,
        name=path.stem,
        names=tuple(_renamed(name, table.name, path.name) for name in data.names),
        left_out=tuple(
            replace(item, subject=_renamed(item.subject, table.name, path.name))
            for item in data.left_out
        ),
        description="ARFF",
    )


def _renamed(text: str, table: str, path: str) -> str:
    """The row of the table as the row of the data, which has no header of its own."""
    match = re.fullmatch(rf"{re.escape(table)} row ([0-9]+)", text)
    return f"{path} row {int(match[1]) - 1}" if match else text.replace(table, path)


def _top(path: Path) -> Iterator[tuple[int, str]]:
    for number, (place, line) in enumerate(read_lines(path, TableLimits())):
        if number > _HEAD:
            return
        yield place, line
        if not line.startswith("%"):
            return


READER = Reader(
    "arff", "an ARFF table of pixels", is_arff, read_arff, groups="columns", labels="columns"
)
