"""Read labelled pictures from any source: recognise its layout, then call the reader for it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bakeoff.data.archive import is_archive
from bakeoff.data.catalog import is_named, load_named, named_sets
from bakeoff.data.correction import Correction
from bakeoff.data.corrections import corrected
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.decode import decode_file, is_picture, looks_like
from bakeoff.data.grouping import parse_grouping
from bakeoff.data.labelling import parse_labelling
from bakeoff.data.new_labels import gives_labels, joined, without_waiting
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers import picture_table
from bakeoff.data.readers.class_names import with_class_names
from bakeoff.data.readers.combine import combine
from bakeoff.data.readers.files import looks_usable, scans_remembered, visible
from bakeoff.data.readers.folder import read_folder
from bakeoff.data.readers.layout import holds_pictures
from bakeoff.data.readers.metadata import is_metadata
from bakeoff.data.readers.reader import Progress, Reader, ReadRequest
from bakeoff.data.readers.refusals import (
    is_pickle,
    pickle_refused,
    says_nothing,
    too_few_classes,
)
from bakeoff.data.readers.splits import split_of
from bakeoff.data.readers.table import READERS, ReaderTable
from bakeoff.data.validate import TooFewClassesError, validate
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.said import say

__all__ = ["Progress", "read", "read_as_found"]


def read(
    source: str | os.PathLike[str],
    *,
    group: str | None = None,
    label: str | None = None,
    unlabelled: str | os.PathLike[str] | None = None,
    corrections: Sequence[Correction] = (),
    progress: Progress | None = None,
) -> Dataset:
    """Read a labelled dataset of any layout.

    Parameters
    ----------
    source : a folder, a file, or the name of a known set such as ``digits``. It may
        hold class folders, train/val/test folders, metadata.csv and metadata.jsonl,
        tables of pixels, IDX, npz and Parquet files, and zip or tar archives of these.
    group : how to find the pictures that belong together: ``column:NAME``, ``folder``,
        ``taken`` (in one series, see `series_of`), or a regular expression searched in the
        file name.
    label : how to find the class of a picture where that is not clear: the name of a column,
        or a regular expression searched in the file name; ``column:NAME`` is a column.
    unlabelled : a source of further pictures, without labels. They are part of the dataset as
        soon as `corrections` give them one, see `read_labels`.
    corrections : labels to change and pictures to leave out, see `read_corrections`;
        the source stays as it is.
    progress : called with the number of pictures done and of all, while decoding.

    Returns
    -------
    A dataset ready to be split. Unusable pictures are listed in `left_out`, and
    `description` says in one line which layout was recognised.

    Raises
    ------
    BakeoffError
        There is no such source, nothing in it can be trained on, or a correction does not fit.
    """
    found = read_as_found(
        source,
        group=group,
        label=label,
        progress=progress,
        need_labels=not (unlabelled or gives_labels(corrections)),
    )
    if unlabelled is not None:
        found = joined(found, read_as_found(unlabelled, progress=progress, need_labels=False))
    try:
        changed = corrected(found, corrections)
        return validate(
            without_waiting(changed) if unlabelled or gives_labels(corrections) else changed
        )
    except TooFewClassesError as error:
        raise too_few_classes(error, Path(source).expanduser(), found) from None


def read_as_found(
    source: str | os.PathLike[str],
    *,
    group: str | None = None,
    label: str | None = None,
    progress: Progress | None = None,
    need_labels: bool = True,
) -> Dataset:
    """Read as `read` does, but keep every class and, optionally, pictures without a label.

    With `need_labels` false, a flat folder of pictures and a single picture can be read
    too: this is how pictures to be predicted are read.
    """
    grouping = None if group is None else parse_grouping(group)
    path = Path(source).expanduser()
    labelling = None if label is None else parse_labelling(label)
    reading = _Source(ReaderTable()).read
    request = ReadRequest(reading, group, grouping, progress, labelling, need_labels)
    try:
        if _exists(path):
            with scans_remembered():
                return replace(request.read(path, request), name=_name(path))
    except OSError as error:
        raise BakeoffError(
            str(error.filename or source),
            f"it cannot be read ({error.strerror or error})",
            "Check that you may open it and that the disk is not full",
        ) from error
    if is_named(str(source)):
        for option, text in (("--group", group), ("--label", label)):
            if text is not None:
                raise BakeoffError(
                    str(source),
                    f"{option} '{text}' does not fit it: named sets have no names or columns",
                    f"Leave {option} out",
                )
        return load_named(str(source))
    raise _missing(str(source), path)


class _Source:
    """Reads one source, which may hold others: a folder around a folder, an archive in a folder."""

    def __init__(self, readers: ReaderTable) -> None:
        self.readers = readers

    def read(self, path: Path, request: ReadRequest) -> Dataset:
        """A file or folder."""
        if path.is_dir():
            return self._read_directory(path, request)
        if path.is_file():
            return self._read_file(path, request)
        raise self.readers.refusal(str(path), "it is neither a file nor a folder")

    def _read_file(self, path: Path, request: ReadRequest) -> Dataset:
        return with_class_names(self._read_numbered(path, request), path)

    def _read_numbered(self, path: Path, request: ReadRequest) -> Dataset:
        """A file, whose classes may be numbers that another file names."""
        with path.open("rb") as file:
            head = file.read(1024)
        if not head:
            raise BakeoffError(path.name, "the file is empty (0 bytes)", "Copy it again")
        if is_metadata(path.name):
            return self._read_directory(path.parent, request)
        if is_picture(head):
            return self._read_picture(path, request)
        reader = self.readers.find(path)
        if reader is not None:
            return _read_with(reader, path, request)
        if is_pickle(path):
            raise pickle_refused(path)
        kind = looks_like(head)
        looks = f"it looks like {kind}, not like a dataset"
        problem = looks if kind else say("readers.unknown")
        raise self.readers.refusal(path.name, problem)

    def _read_picture(self, path: Path, request: ReadRequest) -> Dataset:
        if request.need_labels:
            raise self.readers.refusal(path.name, say("readers.picture"))
        return Dataset(
            name=path.stem,
            pictures=Pictures.from_array(decode_file(path, path.name)[None]),
            labels=np.asarray([UNLABELLED]),
            classes=(),
            names=(path.name,),
            description="a picture",
        )

    def _read_directory(self, folder: Path, request: ReadRequest) -> Dataset:
        reader = self.readers.find(folder)
        if request.labelling is not None and picture_table.names_pictures(folder):
            reader = picture_table.READER  # its column outweighs the names of folders
        folders, files = visible(folder)
        if reader is not None:
            data = _read_with(reader, folder, request)
            # A table may be one picture of a folder, which its reader has mentioned.
            beside = [path for path in files if self._is_set_beside(path, reader)]
            return replace(data, left_out=data.left_out + tuple(map(_beside, beside)))
        datasets = [path for path in files if self._is_dataset(path)]
        if len(datasets) == 1:
            return self._read_file(datasets[0], request)
        if datasets:
            return self._read_parts(folder, datasets, request)
        loose = any(map(_is_picture, files))
        if loose and (request.labelling or not request.need_labels):
            return read_folder(
                folder,
                grouping=request.grouping,
                labelling=request.labelling,
                progress=request.progress,
                need_labels=request.need_labels,
            )
        # Folders without pictures, such as notes, do not hide the one that wraps the set.
        inside = [path for path in folders if holds_pictures(path)] or folders
        if len(inside) == 1 and not loose:
            return self._read_directory(inside[0], request)
        if loose:
            raise says_nothing(folder, [path.name for path in files if _is_picture(path)])
        if pickled := next(filter(is_pickle, files), None):
            raise pickle_refused(pickled)
        raise self.readers.refusal(folder.name, say("readers.nothing"))

    def _read_parts(self, folder: Path, files: Sequence[Path], request: ReadRequest) -> Dataset:
        """Several files named after the parts they hold, such as Kaggle's train.csv, test.csv."""
        parts = [(path, split) for path in files if (split := split_of(path.name))]
        if not parts and all(map(is_archive, files)):  # shards of one set
            parts = [(path, "train") for path in files]
        if not any(split == "train" for _, split in parts):
            names = ", ".join(path.name for path in files)
            raise BakeoffError(
                folder.name,
                f"it holds several datasets ({names[:200]})",
                "Give one of them, or call them train.csv and test.csv",
            )
        data = combine(
            [
                (self._read_numbered(path, request), path.name, split == "test")
                for path, split in parts
            ]
        )
        # Named together: a part may lack the last classes.
        trained = next(path for path, split in parts if split == "train")
        data = with_class_names(data, trained)
        beside = [path for path in files if path not in dict(parts)]
        return replace(data, left_out=data.left_out + tuple(map(_beside, beside)))

    def _is_dataset(self, path: Path) -> bool:
        """Whether a file holds a dataset; a single picture does not."""
        if not path.is_file() or is_metadata(path.name) or _is_picture(path):
            return False
        return self.readers.find(path) is not None

    def _is_set_beside(self, path: Path, reader: Reader) -> bool:
        """Whether a file in a folder is a dataset of another layout than that of the folder."""
        if path.suffix.lower() == ".csv" or not self._is_dataset(path):
            return False
        return self.readers.find(path) is not reader


def _beside(path: Path) -> LeftOut:
    hint = "Read it alone, or call it train or test if it belongs to this set"
    return LeftOut(nfc(path.name), "it is a dataset beside those that were read", hint)


def _read_with(reader: Reader, path: Path, request: ReadRequest) -> Dataset:
    request = reader.fitted(path, request)
    try:
        return reader.read(path, request)
    except (BakeoffError, OSError):
        raise
    except Exception as error:
        if reader in READERS:
            raise  # a bug of ours, which needs its traceback
        raise BakeoffError(
            path.name,
            f"the reader {reader.name} failed on it ({type(error).__name__}: {error})",
            "Report this to the package that adds the reader",
        ) from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() != ".csv" and looks_usable(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # the name is too long, or has a zero byte
        return False


def _name(path: Path) -> str:
    """The name of a dataset: that of its folder, or of its file without suffixes."""
    name = path.resolve().name
    return name if path.is_dir() else re.sub(r"(\.tar|\.csv)?\.\w+$", "", name)


def _missing(source: str, path: Path) -> BakeoffError:
    """The error for a missing source, with similar names beside it and among the named sets."""
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
