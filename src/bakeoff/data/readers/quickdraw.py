"""Drawings of Quick, Draw! as strokes: .ndjson (simplified or raw) and .bin.

The layouts are those of https://github.com/googlecreativelab/quickdraw-dataset. Its bitmaps,
CLASS.npy, are read as arrays, see `array_files`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.grouping import called, encode_names
from bakeoff.data.pictures import PictureWriter
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "draw", "read_strokes"]

_SIDE = 64  # pixels of a drawing; the bitmaps of Quick, Draw! have 28
_FINER = 4  # drawn four times as large and averaged: antialiased
_WIDTH = 1 / 16  # of a stroke, as in the bitmaps: 16 of 256 units
_MAX_POINTS = 100_000
_MAX_LINE = 10_000_000
_MAX_DRAWINGS = 5_000_000
_PREFIXES = ("full_binary_", "full_simplified_", "full_raw_", "full_numpy_bitmap_")
_HEADER = struct.Struct("<Q2sbIH")  # key, country, recognised, time, number of strokes

_Stroke = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One drawing: its strokes, its class, and what else is known of it."""

    strokes: Sequence[_Stroke]
    word: str
    cells: dict[str, str] = field(default_factory=dict)


def read_strokes(path: Path, request: ReadRequest) -> Dataset:
    """Draw the strokes of one file, or of all such files in a folder, white on black.

    Parameters
    ----------
    path : .ndjson files give the class of each drawing; .bin files are called like their class.
    request : its group is a column such as ``countrycode``.

    Raises
    ------
    BakeoffError
        A file is damaged, or no drawing can be used.
    """
    files = [path] if path.is_file() else _files(path)
    words: list[str] = []
    names: list[str] = []
    groups: list[str] = []
    left_out: list[LeftOut] = []
    column = request.grouping.text if request.grouping else None
    total = sum(map(_count, files))
    writer = PictureWriter()
    try:
        for file in files:
            for place, drawing in _drawings(file):
                name = f"{file.name} {place}"
                if isinstance(drawing, str):
                    left_out.append(LeftOut(name, drawing, "Remove it, or download it again"))
                    continue
                if column is not None:
                    known = called(column, list(drawing.cells))
                    if known is None:
                        raise _no_column(file, column, drawing)
                    groups.append(drawing.cells[known])
                writer.append(draw(drawing.strokes))
                words.append(drawing.word)
                names.append(name)
                if len(writer) > _MAX_DRAWINGS:
                    raise BakeoffError(
                        path.name, "it holds more drawings than can be read", "Give fewer files"
                    )
                if request.progress is not None:
                    request.progress(len(writer), max(total, len(writer)))
    finally:
        pictures = writer.finish()
    _, classes = encode_names(word for word in words if word)
    place_of = {"": UNLABELLED} | {name: index for index, name in enumerate(classes)}
    numbers, group_names = encode_names(groups)
    return Dataset(
        name=path.name,
        pictures=pictures,
        labels=np.asarray([place_of[nfc(word)] for word in words], dtype=np.int64),
        classes=classes,
        names=tuple(names),
        groups=numbers if group_names else None,
        group_names=group_names,
        left_out=tuple(left_out),
        description=f"Quick, Draw! strokes drawn at {_SIDE}×{_SIDE}",
    )


def draw(strokes: Sequence[_Stroke], side: int = _SIDE) -> NDArray[np.uint8]:
    """Draw strokes as large as they fit into the middle of a square, white on black.

    Parameters
    ----------
    strokes : points in any unit, y downwards.
    side : of the picture, in pixels.

    Returns
    -------
    side×side×1 of uint8, antialiased.
    """
    fine = side * _FINER
    width = max(1, round(fine * _WIDTH))
    points = np.asarray([point for stroke in strokes for point in stroke], dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    inside = fine - 2 * width
    scale = inside / max(float((high - low).max()), 1e-9)
    offset = (fine - 1 - (high - low) * scale) / 2  # the middle of a pixel is a whole number
    if float((high - low).max()) == 0:  # a single dot
        scale, offset = 0.0, np.full(2, (fine - 1) / 2)
    image = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(image)
    radius = (width - 1) / 2
    placed_points = iter(map(tuple, ((points - low) * scale + offset).tolist()))
    for stroke in strokes:
        placed = list(islice(placed_points, len(stroke)))
        pen.line(placed, fill=255, width=width, joint="curve")
        for x, y in (placed[0], placed[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.reduce(_FINER), dtype=np.uint8)[..., None]


def holds_strokes(path: Path) -> bool:
    """Whether a file holds such drawings, or every table-like file of a folder does."""
    return bool(_files(path)) if path.is_dir() else _is_strokes(path)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [file for file in visible(folder)[1] if _is_strokes(file)]


def _is_strokes(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in (".ndjson", ".jsonl", ".bin") or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            if suffix == ".bin":
                first = next(_packed(file, path), None)
                return isinstance(first, _Drawing) and first.cells["countrycode"].isalpha()
            return isinstance(_from_json(file.readline(_MAX_LINE)), _Drawing)
    except (OSError, BakeoffError):
        return False


def _count(path: Path) -> int:
    """How many drawings a text file holds; 0 where only reading would show it."""
    if path.suffix.lower() == ".bin":
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _drawings(path: Path) -> Iterator[tuple[str, _Drawing | str]]:
    """The place of each drawing, and the drawing or why there is none."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".bin":
            for number, drawing in enumerate(_packed(file, path), 1):
                yield f"drawing {number}", drawing
            return
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
            if line.strip():
                yield f"line {number}", _from_json(line)


def _from_json(line: bytes) -> _Drawing | str:
    """{"word": …, "countrycode": …, "recognized": …, "drawing": [[[x…], [y…], [t…]], …]}."""
    try:
        row = json.loads(line)
        strokes = [list(zip(*map(_numbers, stroke[:2]), strict=True)) for stroke in row["drawing"]]
        word = row["word"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return "it is not a drawing of Quick, Draw!"
    strokes = [stroke for stroke in strokes if stroke]
    if not strokes or not isinstance(word, str):
        return "it has no strokes" if isinstance(word, str) else "it has no word"
    if sum(map(len, strokes)) > _MAX_POINTS:
        return f"it has more than {_MAX_POINTS} points"
    texts = {key: str(v) for key, v in row.items() if isinstance(v, str | int | bool)}
    return _Drawing(strokes, nfc(word), texts)


def _numbers(values: Sequence[object]) -> list[float]:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 1e6:
        raise ValueError("these are not coordinates")
    return [float(number) for number in numbers.tolist()]


def _packed(file: IO[bytes], path: Path) -> Iterator[_Drawing | str]:
    """The drawings of a .bin file: bytes for x and y, as many strokes as its header says."""
    word = path.stem
    for prefix in _PREFIXES:
        word = word.removeprefix(prefix)
    while head := file.read(_HEADER.size):
        if len(head) < _HEADER.size:
            raise _cut_short(path)
        _, country, recognised, _, count = _HEADER.unpack(head)
        strokes: list[_Stroke] = []
        for _ in range(count):
            size = file.read(2)
            length = int.from_bytes(size, "little")
            xs, ys = file.read(length), file.read(length)
            if len(size) < 2 or len(ys) < length:
                raise _cut_short(path)
            if length:
                strokes.append(list(zip(map(float, xs), map(float, ys), strict=True)))
        cells = {"countrycode": country.decode("latin-1"), "recognized": str(bool(recognised))}
        yield _Drawing(strokes, nfc(word), cells) if strokes else "it has no strokes"


def _cut_short(path: Path) -> BakeoffError:
    return BakeoffError(
        path.name, "it is not a .bin file of Quick, Draw!, or is cut short", "Download it again"
    )


def _no_column(path: Path, column: str, drawing: _Drawing) -> BakeoffError:
    return BakeoffError(
        path.name,
        f"it has no column '{column}'",
        f"Name one of its columns: {', '.join(drawing.cells)}",
    )


READER = Reader(
    "quickdraw",
    "drawings of Quick, Draw!",
    holds_strokes,
    read_strokes,
    groups="columns",
)
