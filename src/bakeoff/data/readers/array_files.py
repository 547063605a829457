"""Arrays in files of their own: x_train.npy with y_train.npy or y_train.csv, a CLASS.npy each."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.arrays import Array, arrays_of_file, damage_reported
from bakeoff.data.readers.class_names import with_class_names
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.npz import plain_name, read_arrays
from bakeoff.data.readers.parts import ArrayLimits, Part, join
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.readers.text_arrays import SUFFIXES, array_of_text, holds_labels, holds_pixels
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_array_files"]

_LIMITS = ArrayLimits()
_MAGIC = b"\x93NUMPY"
_PREFIX = "full_numpy_bitmap_"  # of Quick, Draw!


def holds_array_files(path: Path) -> bool:
    """Whether a folder holds such files, or a file is one of them."""
    files = _files(path if path.is_dir() else path.parent)
    sets = _by_role(files)
    if path.is_dir():
        return bool(sets) or len(_bare(files)) > 1
    if _is_table(path):
        return any(path in members.values() for members in sets.values())
    return path in files


def read_array_files(path: Path, _: ReadRequest) -> Dataset:
    """Read the files of a folder, whose names say what each holds, or which class.

    Parameters
    ----------
    path : the folder, or one of the files in it: with x_train.npy go y_train.npy and x_test.npy,
        and with KMNIST's kmnist-train-imgs.npz its labels. Files with other names each hold the
        pictures of one class, as Quick, Draw!'s cat.npy.

    Raises
    ------
    BakeoffError
        The files do not match, or one is damaged.
    """
    folder = path if path.is_dir() else path.parent
    files = _files(folder)
    roles = _by_role(files)
    if path.is_file():
        named = _named(path)
        roles = {base: files for base, files in roles.items() if named and base == named[1]}
    if len(roles) > 1:
        sets = ", ".join(base or "one without a name" for base in sorted(roles))
        raise BakeoffError(
            folder.name, f"it holds several sets: {sets}", "Give each set a folder of its own"
        )
    with ExitStack() as opened, damage_reported(path):
        if roles:
            ((base, members),) = roles.items()
            arrays = {name: _array(file, opened) for name, file in members.items()}
            kinds = " and ".join(sorted({_kind(file) for file in members.values()}))
            dataset = read_arrays(arrays, path, f"{kinds} files")
            return replace(
                with_class_names(dataset, next(iter(members.values()))), name=base or folder.name
            )
        return _read_classes(path, _bare(files), opened)


def _read_classes(path: Path, files: Mapping[str, Path], opened: ExitStack) -> Dataset:
    """One class in each file."""
    if len(files) < 2:
        raise BakeoffError(
            path.name,
            "it holds the pictures of one class, and no labels",
            "Add the files of other classes, or labels in y.npy beside x.npy",
        )
    folder = path if path.is_dir() else path.parent
    parts: list[Part] = []
    counts: list[int] = []
    names: list[str] = []
    for file in files.values():
        ((_, array),) = arrays_of_file(file, _LIMITS, opened).items()
        read = read_arrays({"images": array}, file, "npy")
        shape = tuple(int(side) for side in read.pictures.shapes[0])
        pixels = read.pictures.buffer.reshape(len(read), *shape)
        fill = partial(np.copyto, src=pixels)
        parts.append(Part("train", len(read), (shape[0], shape[1], shape[2]), fill))
        counts.append(len(read))
        names += [f"{file.name} {row}" for row in range(len(read))]
        _check_total(folder, counts, shape)
    dataset = join(folder.name, parts, folder.name, _LIMITS)
    return replace(
        dataset,
        labels=np.repeat(np.arange(len(files)), counts).astype(np.int64),
        classes=tuple(files),
        names=tuple(names),
        description="a npy file of pictures for each class",
    )


def _array(file: Path, opened: ExitStack) -> Array:
    if _is_table(file):
        return array_of_text(file, _LIMITS)
    ((_, array),) = arrays_of_file(file, _LIMITS, opened).items()
    return array


def _kind(file: Path) -> str:
    """What a file is written in: npy, npz or csv."""
    return file.name.lower().removesuffix(".gz").rpartition(".")[2]


def _is_table(file: Path) -> bool:
    return f".{_kind(file)}" in SUFFIXES


def _named(file: Path) -> tuple[str, str] | None:
    """What a file holds, and the name of its set; "13440x1024" in it is only its shape."""
    name = file.name[: -len(".gz")] if file.name.lower().endswith(".gz") else file.name
    return plain_name(re.sub(r"[0-9]+x[0-9]+", "", name.rpartition(".")[0]))


def _check_total(folder: Path, counts: list[int], shape: tuple[int, ...]) -> None:
    """Refuse before the memory is full: all of Quick, Draw! has 50 million drawings."""
    if sum(counts) * int(np.prod(shape)) > _LIMITS.max_bytes or (
        sum(counts) > _LIMITS.max_pictures
    ):
        raise BakeoffError(
            folder.name,
            f"its files hold more than {sum(counts)} pictures, more than can be read",
            "Save the first thousand rows of each class: np.save(file, np.load(file)[:1000])",
        )


def _files(folder: Path) -> list[Path]:
    """The npy files of a folder, npz with a single array without a name, and tables as arrays."""
    return [file for file in visible(folder)[1] if _is_array(file) or _is_table_of_array(file)]


def _is_table_of_array(file: Path) -> bool:
    named = _named(file) if _is_table(file) and file.is_file() else None
    if named is None:
        return False
    return holds_labels(file) if _is_labels(named[0]) else holds_pixels(file)


def _is_array(path: Path) -> bool:
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy" and path.is_file():
            with path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC
        if suffix == ".npz" and path.is_file():
            with zipfile.ZipFile(path) as archive:
                return archive.namelist() == ["arr_0.npy"] and plain_name(path.stem) is not None
    except (OSError, ValueError, zipfile.BadZipFile):
        pass
    return False


def _by_role(files: list[Path]) -> dict[str, dict[str, Path]]:
    """The files of each set, by the names of their arrays; only sets with pictures.

    A table of pixels without labels beside it may be a picture, or the test part of Kaggle.
    """
    found: dict[str, dict[str, Path]] = {}
    for file in files:
        if named := _named(file):
            found.setdefault(named[1], {})[named[0]] = file
    return {base: members for base, members in found.items() if _is_set(members)}


def _is_set(members: Mapping[str, Path]) -> bool:
    pictures = [file for name, file in members.items() if not _is_labels(name)]
    return bool(pictures) and (len(pictures) < len(members) or not all(map(_is_table, pictures)))


def _is_labels(name: str) -> bool:
    return bool({"labels", "label", "y", "target", "targets"} & set(name.lower().split()))


def _bare(files: list[Path]) -> dict[str, Path]:
    """The files that are called like a class."""
    found = {
        nfc(file.stem.removeprefix(_PREFIX)): file
        for file in files
        if file.suffix.lower() == ".npy" and _named(file) is None
    }
    return dict(sorted(found.items()))


READER = Reader("array files", "npy files", holds_array_files, read_array_files)
