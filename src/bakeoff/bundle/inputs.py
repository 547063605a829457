"""Pictures to classify, in any form that a caller may have."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.archive import ArchiveLimits, unpacked
from bakeoff.data.decode import Limits, decode, decode_file, is_picture, pixels_of
from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import PixelRange, as_picture, joined
from bakeoff.data.read import read_as_found
from bakeoff.data.readers.lines import delimiter_of, split, text_of
from bakeoff.data.readers.tables import TableLimits, looks_like_table, read_matrix, read_table
from bakeoff.errors import BakeoffError, InputError, LeftOut

__all__ = ["InputLimits", "Inputs", "from_bytes", "gather", "joined_inputs"]

TEMPORARY = "given"  # the name of a temporary file, replaced in every message
HINT = "Pass a path, bytes, a PIL image, an array of pixels, or a list of these"


@dataclass(frozen=True, slots=True)
class InputLimits:
    """Limits on input as bytes, which may be untrusted."""

    picture: Limits = field(default_factory=Limits)
    archive: ArchiveLimits = field(default_factory=ArchiveLimits)
    table: TableLimits = field(default_factory=TableLimits)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Pictures with their names; `left_out` lists what could not be read."""

    names: tuple[str, ...]
    pictures: Pictures
    left_out: tuple[LeftOut, ...] = ()


def gather(source: Any, *, limits: InputLimits = InputLimits()) -> Inputs:
    """Read pictures from a path, bytes, an image, an array, or a list of these.

    Parameters
    ----------
    source : the path of a picture, folder, CSV, zip or anything else that `bakeoff.read` reads,
        labelled or not; the bytes of a picture, a CSV, or a zip of pictures; a PIL image; an
        array, H×W or H×W×C for one picture, N×H×W or N×H×W×C for many (three dimensions are
        one picture if the last is 1 or 3); or a list of any of these. Numbers are bytes, from
        0 to 1, or from 0 to 255. A CSV has one picture per row, or is a single picture with one
        number per pixel. Unreadable entries are left out unless all are unreadable.
    limits : on input as bytes.

    Raises
    ------
    BakeoffError
        There is nothing at the path, or nothing can be read.
    InputError
        An object is no picture.
    """
    if not isinstance(source, list | tuple):
        return _read_any(source, "picture", limits)
    parts: list[Inputs] = []
    refused: list[BakeoffError] = []
    for row, entry in enumerate(source):
        try:
            parts.append(_read_any(entry, f"[{row}]", limits))
        except InputError:
            raise
        except BakeoffError as error:
            refused.append(error)
    if refused and not parts:
        raise refused[0]
    inputs = joined_inputs(parts)
    left_out = tuple(LeftOut.because(error) for error in refused)
    return replace(inputs, left_out=inputs.left_out + left_out)


def from_bytes(data: bytes, name: str, limits: InputLimits = InputLimits()) -> Inputs:
    """Pictures from one file, whose format is recognised by its bytes, not by its name."""
    if is_picture(data) or not data:
        return _from_blocks([decode(data, name, limits.picture)[None]], name)
    with TemporaryDirectory(prefix="bakeoff-") as folder:
        file = Path(folder, TEMPORARY)  # never under a name from outside
        file.write_bytes(data)
        try:
            if data.startswith(b"PK\x03\x04"):
                inputs = _from_zip(file, limits)
            elif looks_like_table(file):
                inputs = _from_text(file, data, limits)
            else:
                inputs = _from_blocks([decode(data, name, limits.picture)[None]], name)
        except BakeoffError as error:
            subject = error.subject.replace(TEMPORARY, name, 1)
            raise BakeoffError(subject, error.problem, error.hint) from error
    return Inputs(
        tuple(called.replace(TEMPORARY, name, 1) for called in inputs.names),
        inputs.pictures,
        tuple(
            replace(refusal, subject=refusal.subject.replace(TEMPORARY, name, 1))
            for refusal in inputs.left_out
        ),
    )


def joined_inputs(parts: list[Inputs]) -> Inputs:
    """All pictures of all parts, in order."""
    if not parts:
        raise BakeoffError("the list of pictures", "is empty", HINT)
    if len(parts) == 1:
        return parts[0]
    return Inputs(
        tuple(name for part in parts for name in part.names),
        joined([picture[None] for part in parts for picture in part.pictures]),
        tuple(refusal for part in parts for refusal in part.left_out),
    )


def _read_any(source: Any, name: str, limits: InputLimits) -> Inputs:
    if isinstance(source, str | os.PathLike):
        return _from_path(Path(source).expanduser(), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return from_bytes(bytes(source), name, limits)
    if isinstance(source, Image.Image):
        return _from_blocks([pixels_of(source, name, limits.picture)[None]], name)
    array = np.asarray(source) if hasattr(source, "__array__") else None
    if array is None or array.ndim < 2:
        raise InputError(name, f"a {type(source).__name__} is no picture", HINT)
    return _from_array(array, name, limits.picture)


def _from_path(path: Path, limits: InputLimits) -> Inputs:
    if path.is_file() and path.stat().st_size <= limits.table.max_matrix_bytes:
        data = path.read_bytes()
        if not is_picture(data) and looks_like_table(path):
            return _from_text(path, data, limits)
    dataset = read_as_found(path, need_labels=False)
    return Inputs(dataset.names, dataset.pictures, dataset.left_out)


def _from_text(path: Path, data: bytes, limits: InputLimits) -> Inputs:
    """A single picture if there are as many rows as columns, otherwise one picture per row."""
    lines = [line for line in text_of(data).splitlines() if line.strip()]
    if lines and len(lines) == len(split(lines[0], delimiter_of(lines[0]))):
        return _from_blocks([read_matrix(data, path.name, limits=limits.table)[None]], path.name)
    table = read_table(path, limits=limits.table)
    return Inputs(table.names, table.pictures, table.left_out)


def _from_zip(path: Path, limits: InputLimits) -> Inputs:
    """The pictures in a zip, recognised by their bytes; other files are left out."""
    with unpacked(path, limits.archive) as (folder, left_out):
        parts, refused = [], list(left_out)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = file.relative_to(folder).as_posix()
            if any(part.startswith((".", "__MACOSX")) for part in Path(name).parts):
                continue
            try:
                parts.append(_from_blocks([decode_file(file, name, limits.picture)[None]], name))
            except BakeoffError as error:
                refused.append(LeftOut.because(error))
        if not parts:
            first = f"; {refused[0].subject}: {refused[0].problem}" if refused else ""
            raise BakeoffError(path.name, f"contains no pictures{first}", "Add pictures to it")
        return replace(joined_inputs(parts), left_out=tuple(refused))


def _from_array(array: NDArray[Any], name: str, limits: Limits) -> Inputs:
    many = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] not in (1, 3))
    height, width = array.shape[1:3] if many else array.shape[:2]
    if height * width > limits.max_pixels:
        raise InputError(
            name, f"has {height}×{width} pixels, which is too large", "Pass a smaller picture"
        )
    block = as_picture(array[..., None] if many and array.ndim == 3 else array, name)
    block = block if many else block[None]
    pixels = block if block.dtype == np.uint8 else PixelRange.of([block]).to_bytes(block)
    if max(height, width) <= limits.keep_side:
        return _from_blocks([pixels], name)
    # Shrink them as a large file would be.
    shrunk = [pixels_of(to_image(picture), name, limits)[None] for picture in pixels]
    return _from_blocks(shrunk, name)


def _from_blocks(blocks: list[NDArray[np.uint8]], name: str) -> Inputs:
    pictures = joined(blocks)
    if len(pictures) == 1:
        return Inputs((name,), pictures)
    return Inputs(tuple(f"{name}[{place}]" for place in range(len(pictures))), pictures)
