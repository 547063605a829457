"""Read labelled pictures from anything: look what it is, then let one reader read it."""

from __future__ import annotations

import difflib
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bakeoff.data.archive import is_archive, unpacked
from bakeoff.data.catalog import is_named, load_named, named_sets
from bakeoff.data.corrections import Correction, corrected
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.decode import decode_file, is_picture, looks_like
from bakeoff.data.grouping import Grouping, parse_grouping
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.combine import combine
from bakeoff.data.readers.folder import Progress, read_folder
from bakeoff.data.readers.idx import has_idx, looks_like_idx, read_idx
from bakeoff.data.readers.listing import Split, is_picture_folder, looks_usable, split_of, visible
from bakeoff.data.readers.metadata import METADATA_FILES
from bakeoff.data.readers.npz import read_npz
from bakeoff.data.readers.parquet import read_parquet
from bakeoff.data.readers.tables import looks_like_table, read_table
from bakeoff.data.validate import validate
from bakeoff.errors import BakeoffError

__all__ = ["Progress", "read", "read_as_found"]

# An archive in an archive is how some sites deliver; deeper nesting is a trick.
_MAX_NESTING = 3
_READABLE = (
    "Give a folder of class folders, a CSV of pixels, an IDX, npz or Parquet file, "
    "or a zip or tar of one"
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller asked for, handed from sniffer to reader."""

    grouping: Grouping | None
    group: str | None
    progress: Progress | None
    need_labels: bool

    def column_of(self, path: Path) -> str | None:
        """The ``column:NAME`` to look for in a table, which has no other groups."""
        if self.grouping is not None and self.grouping.kind != "column":
            raise self._no_groups(path.name, "rows of a table have no file names or folders")
        return self.group

    def refuse_group(self, name: str) -> None:
        """Raise if groups were asked of arrays, which know of none."""
        if self.grouping is not None:
            raise self._no_groups(name, "arrays have no file names, folders or columns")

    def _no_groups(self, name: str, why: str) -> BakeoffError:
        return BakeoffError(
            name, f"--group '{self.group}' does not fit it: {why}", "Leave --group out"
        )


def read(
    source: str | os.PathLike[str],
    *,
    group: str | None = None,
    corrections: Sequence[Correction] = (),
    progress: Progress | None = None,
) -> Dataset:
    """Read a labelled dataset, whatever its layout.

    Parameters
    ----------
    source : a folder, a file, or the name of a known set such as ``digits``. Understood
        are class folders, train/val/test folders, metadata.csv and metadata.jsonl,
        tables of pixels, IDX, npz and Parquet files, and zip or tar archives of any.
    group : how to tell which pictures belong together: ``column:NAME``, ``folder``, or
        a regular expression searched in the file name.
    corrections : labels that change and pictures that stay out, such as `read_corrections` reads;
        the source stays as it is.
    progress : called with the number of pictures done and of all, while decoding.

    Returns
    -------
    A dataset ready to be split. What could not be used is listed in `left_out`, and
    `description` says in one line what the source was taken for.

    Raises
    ------
    BakeoffError
        There is no such source, nothing in it can be trained on, or a correction does not fit it.
    """
    return validate(corrected(read_as_found(source, group=group, progress=progress), corrections))


def read_as_found(
    source: str | os.PathLike[str],
    *,
    group: str | None = None,
    progress: Progress | None = None,
    need_labels: bool = True,
) -> Dataset:
    """Read as `read` does, but keep every class and, if wished, pictures without a label.

    With `need_labels` false, a flat folder of pictures and a lone picture can be read
    too: this is how pictures come in that are to be predicted.
    """
    grouping = None if group is None else parse_grouping(group)
    wish = _Wish(grouping, group, progress, need_labels)
    path = Path(source).expanduser()
    try:
        if _exists(path):
            return replace(_read_path(path, wish, nesting=0), name=_name(path))
    except OSError as error:
        raise BakeoffError(
            str(error.filename or source),
            f"it can not be read ({error.strerror or error})",
            "Check that you may open it and that the disk is not full",
        ) from error
    if is_named(str(source)):
        wish.refuse_group(str(source))
        return load_named(str(source))
    raise _missing(str(source), path)


def _read_path(path: Path, wish: _Wish, nesting: int) -> Dataset:
    if path.is_dir():
        return _read_directory(path, wish, nesting)
    if path.is_file():
        return _read_file(path, wish, nesting)
    raise BakeoffError(str(path), "it is neither a file nor a folder", _READABLE)


def _read_file(path: Path, wish: _Wish, nesting: int) -> Dataset:
    with path.open("rb") as file:
        head = file.read(1024)
    if not head:
        raise BakeoffError(path.name, "the file is empty (0 bytes)", "Copy it again")
    if path.name in METADATA_FILES:
        return _read_directory(path.parent, wish, nesting)
    if is_picture(head):
        return _read_lone_picture(path, wish)
    if head.startswith(b"PAR1"):
        return read_parquet(path, group=wish.column_of(path))
    if looks_like_idx(path):
        wish.refuse_group(path.name)
        return read_idx(path)
    if is_archive(path):
        return _read_archive(path, wish, nesting)
    if zipfile.is_zipfile(path):
        wish.refuse_group(path.name)
        return read_npz(path)
    if looks_like_table(path):
        return read_table(path, group=wish.column_of(path))
    found = looks_like(head) or "nothing known"
    raise BakeoffError(path.name, f"it looks like {found}, not like a dataset", _READABLE)


def _read_archive(path: Path, wish: _Wish, nesting: int) -> Dataset:
    if nesting == _MAX_NESTING:
        raise BakeoffError(path.name, "archives lie in archives in archives", "Unpack it yourself")
    with unpacked(path) as (folder, left_out):
        dataset = _read_directory(folder, wish, nesting + 1)
        return replace(
            dataset,
            left_out=left_out + dataset.left_out,
            description=f"{dataset.description} (in {path.name})",
        )


def _read_lone_picture(path: Path, wish: _Wish) -> Dataset:
    if wish.need_labels:
        raise BakeoffError(path.name, "it is a single picture, not a dataset", _READABLE)
    pixels = decode_file(path, path.name)
    return Dataset(
        name=path.stem,
        pictures=Pictures.from_array(pixels[None]),
        labels=np.asarray([UNLABELLED], dtype=np.int64),
        classes=(),
        names=(path.name,),
        description="a picture",
    )


def _read_directory(folder: Path, wish: _Wish, nesting: int) -> Dataset:
    if has_idx(folder):
        wish.refuse_group(folder.name)
        return read_idx(folder)
    if is_picture_folder(folder):
        return _read_pictures(folder, wish)
    folders, files = visible(folder)
    data = [path for path in files if _is_dataset(path)]
    if len(data) == 1:
        return _read_file(data[0], wish, nesting)
    if data:
        return _read_parts(folder, data, wish, nesting)
    loose = any(map(_is_picture, files))
    if loose and not wish.need_labels:
        return _read_pictures(folder, wish)
    if len(folders) == 1 and not loose:
        return _read_directory(folders[0], wish, nesting)
    if loose:
        raise BakeoffError(
            folder.name,
            "it holds pictures, but nothing says what they show",
            "Put the pictures of each class into a folder named after it (cat/01.png, "
            "dog/01.png), or add a metadata.csv with the columns file_name and label",
        )
    raise BakeoffError(folder.name, "it holds no pictures and no table of pixels", _READABLE)


def _read_pictures(folder: Path, wish: _Wish) -> Dataset:
    return read_folder(
        folder, grouping=wish.grouping, progress=wish.progress, need_labels=wish.need_labels
    )


def _read_parts(folder: Path, files: Sequence[Path], wish: _Wish, nesting: int) -> Dataset:
    """Several files named after the parts they hold, such as Kaggle's train.csv and test.csv."""
    parts = [(path, split) for path in files if (split := _split_of_file(path))]
    if not any(split == "train" for _, split in parts):
        names = ", ".join(path.name for path in files)
        raise BakeoffError(
            folder.name,
            f"it holds several datasets ({names[:200]})",
            "Give the one you mean, or call them train.csv and test.csv",
        )
    return combine([(_read_file(path, wish, nesting), split == "test") for path, split in parts])


def _split_of_file(path: Path) -> Split | None:
    """The part that a file holds by its name: "train" for mnist_train.csv."""
    words = re.findall(r"[a-z]+", path.name.lower())
    return next((split for word in words if (split := split_of(word))), None)


def _is_dataset(path: Path) -> bool:
    """Whether `_read_file` would find a dataset in a file; a lone picture is none."""
    if not path.is_file() or path.name in METADATA_FILES or _is_picture(path):
        return False
    with path.open("rb") as file:
        head = file.read(4)
    return (
        head == b"PAR1"
        or looks_like_idx(path)
        or zipfile.is_zipfile(path)
        or is_archive(path)
        or looks_like_table(path)
    )


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() != ".csv" and looks_usable(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        return False


def _name(path: Path) -> str:
    """The name of a dataset: that of its folder, or of its file without endings."""
    name = path.resolve().name
    return name if path.is_dir() else re.sub(r"(\.tar|\.csv)?\.\w+$", "", name)


def _missing(source: str, path: Path) -> BakeoffError:
    """What the user may have meant: a name nearby, or a known set."""
    beside = path.parent
    names = [entry.name for entry in beside.iterdir()] if _exists(beside) else []
    near = difflib.get_close_matches(path.name, names, n=3)
    known = named_sets()
    near += difflib.get_close_matches(source, known, n=3)
    meant = f"Did you mean {' or '.join(dict.fromkeys(near))}? " if near else ""
    return BakeoffError(
        source,
        "there is no such file, folder or named set",
        f"{meant}The named sets are {', '.join(known)}",
    )
