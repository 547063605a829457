"""Pictures to classify, in any form that a caller may have."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.archive import ArchiveLimits, unpacked
from bakeoff.data.dataset import Dataset
from bakeoff.data.decode import Limits, decode, decode_file, is_picture, pixels_of
from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import PixelRange, as_picture, has_channels, joined
from bakeoff.data.read import read_as_found
from bakeoff.data.readers.tables import (
    TableLimits,
    is_matrix,
    looks_like_table,
    read_matrix,
    read_table,
)
from bakeoff.errors import BakeoffError, InputError, LeftOut

__all__ = ["Effort", "InputLimits", "Inputs", "folder_of", "from_bytes", "gather", "joined_inputs"]

TEMPORARY = "given"  # the name of a temporary file, replaced in every message
HINT = "Pass a path, bytes, a PIL image, an array of pixels, or a list of these"


@dataclass(frozen=True, slots=True)
class InputLimits:
    """Limits on input as bytes, which may be untrusted.

    Attributes
    ----------
    picture, archive, table : of each of them.
    max_bytes : of the pictures in an archive when they are decoded; None for no limit.
    cpu_seconds : for all of them; what is not decoded by then is left out. None for no limit.
    """

    picture: Limits = field(default_factory=Limits)
    archive: ArchiveLimits = field(default_factory=ArchiveLimits)
    table: TableLimits = field(default_factory=TableLimits)
    max_bytes: int | None = None
    cpu_seconds: float | None = None


class Effort:
    """What the decoding of many pictures has taken so far, in one thread."""

    def __init__(self, limits: InputLimits) -> None:
        self.limits = limits
        self._started = time.thread_time()
        self._bytes = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Count a decoded picture."""
        self._bytes += picture.nbytes

    def check(self, name: str) -> None:
        """Refuse the next picture, of that name, if the limits are reached.

        Raises
        ------
        BakeoffError
            The pictures before it have taken as much as is allowed.
        """
        limits = self.limits
        if limits.cpu_seconds is not None:
            spent = time.thread_time() - self._started
            if spent > limits.cpu_seconds:
                raise BakeoffError(
                    name,
                    f"was not reached in {limits.cpu_seconds:g} s, which the pictures before it "
                    "took to decode",
                    "Send it in another request",
                )
        if limits.max_bytes is not None and self._bytes > limits.max_bytes:
            raise BakeoffError(
                name,
                f"was not reached: the pictures before it fill {limits.max_bytes // 1_000_000} MB",
                "Send it in another request",
            )


@dataclass(frozen=True, eq=False)
class Inputs:
    """Pictures from any number of sources.

    Attributes
    ----------
    names : of the pictures: base names, or paths where base names repeat.
    left_out : what could not be read.
    paths : of the pictures, as given; without any, the names.
    notes : how something was read that could have been read otherwise.
    labels : the class of every picture that a table or a set names, else None.
    """

    names: tuple[str, ...]
    pictures: Pictures
    left_out: tuple[LeftOut, ...] = ()
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", self.labels or (None,) * len(self.names))
        object.__setattr__(self, "paths", self.paths or self.names)


def gather(source: Any, *, limits: InputLimits = InputLimits()) -> Inputs:
    """Read pictures from a path, bytes, an image, an array, or a list of these.

    Parameters
    ----------
    source : the path of a picture, folder, CSV, zip or anything else that `bakeoff.read` reads,
        labelled or not; the bytes of a picture, a CSV, or a zip of pictures; a PIL image; an
        array, H×W or H×W×C for one picture, N×H×W or N×H×W×C for many (three dimensions are
        one picture if the last is at most 4); or a list of any of these. C is 1 (grey), 3 (RGB),
        or 2 or 4 with alpha, which is laid on white. Numbers are bytes, from 0 to 1, or from 0
        to 255. A CSV has one picture per row; without a header, and with as many rows as columns,
        it is a single picture with one number per pixel, and `notes` says so. Unreadable entries
        are left out unless all are unreadable.
    limits : on input as bytes.

    Raises
    ------
    BakeoffError
        There is nothing at the path, or nothing can be read.
    InputError
        An object is not a picture.
    """
    entries = source if isinstance(source, list | tuple) else [source]
    parts: list[tuple[str, Inputs]] = []
    refused: list[BakeoffError] = []
    for row, entry in enumerate(entries):
        name = f"[{row}]" if entries is source else "picture"
        try:
            inputs = _read_any(entry, name, limits)
            parts.append((folder_of(_path_of(entry, name), inputs), inputs))
        except InputError:
            raise
        except BakeoffError as error:
            refused.append(error)
            left_out = Inputs((), Pictures.none(), (LeftOut.because(error),))
            parts.append((folder_of(_path_of(entry, name), left_out), left_out))
    if refused and len(refused) == len(parts):
        raise refused[0]
    return joined_inputs(parts)


def from_bytes(
    data: bytes, name: str, limits: InputLimits = InputLimits(), effort: Effort | None = None
) -> Inputs:
    """Pictures from one file, whose format is recognised by its bytes, not by its name.

    Parameters
    ----------
    effort : of the files before it, if they share the limits.
    """
    effort = effort or Effort(limits)
    if is_picture(data) or not data:
        picture = decode(data, name, limits.picture)
        effort.add(picture)
        return _one(picture, name)
    with TemporaryDirectory(prefix="bakeoff-") as folder:
        file = Path(folder, TEMPORARY)  # never under a name from outside
        file.write_bytes(data)
        try:
            if data.startswith(b"PK\x03\x04"):
                inputs = _from_zip(file, limits, effort)
            elif looks_like_table(file):
                inputs = _from_text(file, data, limits)
            else:
                inputs = _one(decode(data, name, limits.picture), name)
        except BakeoffError as error:
            subject = error.subject.replace(TEMPORARY, name, 1)
            raise BakeoffError(subject, error.problem, error.hint) from error
    return replace(
        inputs,
        names=_renamed(inputs.names, name),
        paths=_renamed(inputs.paths, name),
        notes=_renamed(inputs.notes, name),
        left_out=tuple(
            replace(refusal, subject=refusal.subject.replace(TEMPORARY, name, 1))
            for refusal in inputs.left_out
        ),
    )


def _renamed(texts: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(text.replace(TEMPORARY, name, 1) for text in texts)


def joined_inputs(parts: Sequence[tuple[str, Inputs]]) -> Inputs:
    """All pictures of all parts, in order; names that repeat become paths.

    Parameters
    ----------
    parts : each with the folder that its names are in: "" or a path that ends in a slash.
    """
    if not parts:
        raise BakeoffError("the list of pictures", "is empty", HINT)
    uses = Counter(
        name
        for _, part in parts
        for name in (*part.names, *(refusal.subject for refusal in part.left_out))
    )
    names: list[str] = []
    paths: list[str] = []
    left_out: list[LeftOut] = []
    for folder, part in parts:
        for name, inside in zip(part.names, part.paths, strict=True):
            paths.append(folder + inside)
            names.append(name if uses[name] == 1 else paths[-1])
        for refusal in part.left_out:
            subject = refusal.subject
            left_out.append(
                replace(refusal, subject=subject if uses[subject] == 1 else folder + subject)
            )
    some = [part.pictures for _, part in parts if part.names]
    return Inputs(
        tuple(names),
        some[0] if len(some) == 1 else joined([p[None] for pictures in some for p in pictures]),
        tuple(left_out),
        tuple(paths),
        tuple(note for _, part in parts for note in part.notes),
        tuple(label for _, part in parts for label in part.labels),
    )


def folder_of(path: str, inputs: Inputs) -> str:
    """What stands before the names of pictures to make their paths: "" or "some/folder/".

    Parameters
    ----------
    path : of the source. Inside folders and archives, names are relative to it; other names begin
        with that of their file. Nothing is opened there.
    inputs : what was read from it.
    """
    folder, slash, file = path.rpartition("/")
    own = (*inputs.names, *(refusal.subject for refusal in inputs.left_out))
    inside = not file or not all(name.startswith(file) for name in own)
    return f"{path.rstrip('/')}/" if inside else folder + slash


def _path_of(source: Any, name: str) -> str:
    """The path of a source as the caller gave it; that of a folder ends in a slash."""
    if not isinstance(source, str | os.PathLike):
        return name
    path = Path(source)
    text = path.as_posix()
    return f"{text}/" if path.expanduser().is_dir() else text


def _read_any(source: Any, name: str, limits: InputLimits) -> Inputs:
    if isinstance(source, str | os.PathLike):
        return _from_path(Path(source).expanduser(), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return from_bytes(bytes(source), name, limits)
    if isinstance(source, Image.Image):
        return _one(pixels_of(source, name, limits.picture), name)
    array = np.asarray(source) if hasattr(source, "__array__") else None
    if array is None or array.ndim < 2:
        raise InputError(name, f"a {type(source).__name__} is not a picture", HINT)
    return _from_array(array, name, limits.picture)


def _from_path(path: Path, limits: InputLimits) -> Inputs:
    if path.is_file() and path.stat().st_size <= limits.table.max_matrix_bytes:
        data = path.read_bytes()
        if not is_picture(data) and looks_like_table(path):
            return _from_text(path, data, limits)
    dataset = read_as_found(path, need_labels=False)
    return _from_dataset(dataset)


def _from_text(path: Path, data: bytes, limits: InputLimits) -> Inputs:
    """One picture per row, or a single one."""
    if is_matrix(path, limits=limits.table):
        picture = read_matrix(data, path.name, limits=limits.table)
        note = (
            f"{path.name} was read as one picture of {picture.shape[1]}×{picture.shape[0]} pixels, "
            "since it has as many rows as columns. With a header line it has one picture per row."
        )
        return replace(_one(picture, path.name), notes=(note,))
    return _from_dataset(read_table(path, limits=limits.table))


def _from_dataset(dataset: Dataset) -> Inputs:
    labels = tuple(dataset.classes[label] if label >= 0 else None for label in dataset.labels)
    return Inputs(dataset.names, dataset.pictures, dataset.left_out, labels=labels)


def _from_zip(path: Path, limits: InputLimits, effort: Effort) -> Inputs:
    """The pictures in a zip, recognised by their bytes; other files are left out."""
    with unpacked(path, limits.archive) as (folder, left_out):
        parts: list[tuple[str, Inputs]] = []
        refused = list(left_out)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            inside = file.relative_to(folder).as_posix()
            if any(part.startswith((".", "__MACOSX")) for part in Path(inside).parts):
                continue
            try:
                effort.check(inside)
                picture = decode_file(file, inside, limits.picture)
                effort.add(picture)
                parts.append(("", _one(picture, inside)))
            except BakeoffError as error:
                refused.append(LeftOut.because(error))
        if not parts:
            first = f"; {refused[0].subject}: {refused[0].problem}" if refused else ""
            raise BakeoffError(path.name, f"contains no pictures{first}", "Add pictures to it")
        return replace(joined_inputs(parts), left_out=tuple(refused))


def _from_array(array: NDArray[Any], name: str, limits: Limits) -> Inputs:
    many = array.ndim == 4 or (array.ndim == 3 and not has_channels(array))
    height, width = array.shape[1:3] if many else array.shape[:2]
    if height * width > limits.max_pixels:
        raise InputError(
            name, f"has {height}×{width} pixels, which is too large", "Pass a smaller picture"
        )
    block = as_picture(array[..., None] if many and array.ndim == 3 else array, name)
    block = block if many else block[None]
    pixels = block if block.dtype == np.uint8 else PixelRange.of([block]).to_bytes(block)
    if pixels.shape[-1] > 1 or max(height, width) > limits.keep_side:
        # As files are: alpha on white, grey in one channel, large ones shrunk.
        blocks = [pixels_of(to_image(picture), name, limits)[None] for picture in pixels]
    else:
        blocks = [pixels]
    names = tuple(f"{name}[{place}]" for place in range(len(pixels))) if many else (name,)
    return Inputs(names if len(names) > 1 else (name,), joined(blocks))


def _one(picture: NDArray[np.uint8], name: str) -> Inputs:
    return Inputs((name,), Pictures.from_array(picture[None]))
