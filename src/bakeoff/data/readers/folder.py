"""A folder of pictures: class folders, train/validation/test folders, metadata files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.decode import Limits, decode_file, pillow_is_quiet, read_bounded
from bakeoff.data.grouping import Grouping, called, encode_names
from bakeoff.data.labelling import Labelling
from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.readers.listing import Entry, Listing, is_picture_folder, list_pictures
from bakeoff.data.readers.reader import Progress, Reader, ReadRequest
from bakeoff.data.readers.tables import read_matrix
from bakeoff.data.taken import series_of
from bakeoff.data.words import nfc, nor_others
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.machine import cores
from bakeoff.said import described, say

__all__ = ["READER", "read_folder", "read_listing", "relabel"]

_GROUP_COLUMN = "group"
_LIMITS = Limits()

# Pillow releases the GIL while it decodes. More threads would each hold a large picture in
# memory, and larger chunks many small ones.
_THREADS = min(4, cores())
_CHUNK = 64
# Threads that decode small files only wait for one another: 10 000 PNGs of 28×28 take 5.3 s in
# four threads and 2.8 s in one.
_SMALL = 20_000  # bytes


def read_folder(
    root: Path,
    *,
    grouping: Grouping | None = None,
    labelling: Labelling | None = None,
    progress: Progress | None = None,
    need_labels: bool = True,
    limits: Limits = _LIMITS,
) -> Dataset:
    """Read the pictures in a folder and its sub-folders.

    Parameters
    ----------
    root : in one of the layouts of `list_pictures`.
    grouping : how to find each picture's group. By default the metadata's column
        ``group`` if there is one.
    labelling : how to find each picture's class; by default see `list_pictures`.
    progress : called with the number of pictures done and of all.
    need_labels : leave out pictures without a label, unread.
    limits : bounds on each picture.

    Returns
    -------
    A dataset whose classes may still be empty and whose `description` is the layout only.

    Raises
    ------
    BakeoffError
        The metadata cannot be read, or `grouping` or `labelling` does not fit the pictures.
    """
    upper = labelling is not None or (grouping is not None and grouping.kind == "folder")
    listing = list_pictures(root, upper=upper)
    if labelling is not None:
        relabel(listing, labelling)
    request = ReadRequest(_never, None, grouping, progress, labelling, need_labels)
    return read_listing(root.name, listing, request, limits)


def read_listing(
    name: str, listing: Listing, request: ReadRequest, limits: Limits = _LIMITS
) -> Dataset:
    """Decode the pictures of a listing, which is emptied of those that cannot be used.

    Parameters
    ----------
    name : of the dataset.
    listing : what there is, with labels.
    request : its grouping, progress and need for labels.
    limits : bounds on each picture.

    Raises
    ------
    BakeoffError
        The grouping does not fit the pictures.
    """
    if request.need_labels:
        _leave_out_unlabelled(listing)
    entries = listing.entries
    groups = _groups(listing, request.grouping)
    refused: dict[int, LeftOut] = {}
    pictures = _decode_all(entries, limits, request.progress, refused)
    listing.left_out += refused.values()
    kept = [index for index in range(len(entries)) if index not in refused]
    labels, classes = _labels([entries[i].label for i in kept], listing)
    group_numbers, group_names = (
        (None, ()) if groups is None else encode_names([groups[i] or "" for i in kept])
    )
    test = np.asarray([entries[i].test for i in kept], dtype=np.bool_)
    proposal = _series_in_words([entries[i] for i in kept]) if groups is None else ""
    return Dataset(
        name=name,
        pictures=pictures,
        labels=labels,
        classes=classes,
        names=tuple(entries[i].name for i in kept),
        groups=group_numbers,
        group_names=group_names,
        official_test=test if test.any() else None,
        left_out=tuple(listing.left_out),
        description=described(listing.description, proposal) if proposal else listing.description,
        doubts=dict(listing.doubts),
    )


def relabel(listing: Listing, labelling: Labelling) -> None:
    """Give the entries of a listing the classes that ``--label`` finds.

    Raises
    ------
    BakeoffError
        It finds none.
    """
    column = labelling.column_in(listing.columns)
    if column is not None:
        labels = as_meant([entry.row.get(column, "") for entry in listing.entries])
        found: list[str | None] = [nfc(label) or None for label in labels]
        from_column = say("layout.column", column=column)
        listing.description = described(listing.description, from_column)
    else:
        by_name = not labelling.is_column
        found = [labelling.of(entry.name) if by_name else None for entry in listing.entries]
        listing.description = say("layout.inNames")
    if not any(found):
        example = listing.entries[0].name if listing.entries else ""
        raise labelling.refuse(listing.columns, example)
    listing.class_folders.clear()
    listing.entries = [
        replace(entry, label=label)
        for entry, label in zip(listing.entries, found, strict=True)
        if label is not None or entry.looks_usable
    ]


def _never(path: Path, _: ReadRequest) -> Dataset:
    raise NotImplementedError(str(path))


def _leave_out_unlabelled(listing: Listing) -> None:
    unlabelled = [entry.name for entry in listing.entries if entry.label is None]
    if not unlabelled:
        return
    listing.entries = [entry for entry in listing.entries if entry.label is not None]
    others = nor_others(len(unlabelled))
    listing.left_out.append(
        LeftOut(
            unlabelled[0],
            f"{listing.silent} gives its class{others}",
            "Move each picture into a folder named after its class; bakeoff next RUN says which "
            "to begin with",
        )
    )


def _groups(listing: Listing, grouping: Grouping | None) -> list[str | None] | None:
    """The group of each entry; entries without one are left out or refused."""
    columns = listing.columns
    if grouping is None:
        if (named := called(_GROUP_COLUMN, columns)) is None:
            return None
        grouping = Grouping("column", named)
    elif grouping.kind != "folder":
        # A bare name is that of a column if there is one.
        named = called(grouping.text, columns)
        if named is not None or grouping.kind == "column":
            grouping = Grouping("column", named or grouping.text)
    if grouping.kind == "column" and grouping.text not in columns:
        known = ", ".join(columns) or "none, since there is no metadata.csv"
        raise BakeoffError(
            f"--group column:{grouping.text}",
            f"the metadata has no such column (it has {known})",
            "Name one of the metadata's columns",
        )
    groups = _groups_of(listing.entries, grouping)
    without = [
        entry.name
        for entry, group in zip(listing.entries, groups, strict=True)
        if group is None and entry.looks_usable
    ]
    if not without:
        return groups
    if grouping.kind != "column":
        raise grouping.refuse(without)
    # A gap in a table is an error of that row; a pattern without a match, one of the pattern.
    listing.left_out.append(LeftOut.because(grouping.refuse(without)))
    missing = set(without)
    listing.entries[:] = [entry for entry in listing.entries if entry.name not in missing]
    return _groups_of(listing.entries, grouping)


def _groups_of(entries: Sequence[Entry], grouping: Grouping) -> list[str | None]:
    if grouping.kind == "taken":
        return series_of([entry.path for entry in entries])
    return [grouping.of(entry.name, entry.folders, entry.row) for entry in entries]


def _series_in_words(entries: Sequence[Entry]) -> str:
    """What is proposed where pictures have no groups, but photos were taken in series; or ""."""
    series = [name for name in series_of([entry.path for entry in entries]) if name is not None]
    return say("set.series", n=len(set(series))) if len(series) > len(set(series)) > 1 else ""


def _decode_all(
    entries: Sequence[Entry],
    limits: Limits,
    progress: Progress | None,
    refused: dict[int, LeftOut],
) -> Pictures:
    """Decode every entry to disk, in order; `refused` collects the ones that cannot be read."""
    writer = PictureWriter()
    rest = iter(enumerate(entries))
    try:
        with ThreadPoolExecutor(_THREADS) as pool, pillow_is_quiet():
            while chunk := list(islice(rest, _CHUNK)):
                small = all(_size(entry) <= _SMALL for _, entry in chunk[:: _CHUNK // 4])
                how = map if small else pool.map
                pixels = how(lambda pair: _picture(pair[1], limits), chunk)
                for (index, _), picture in zip(chunk, pixels, strict=True):
                    if isinstance(picture, LeftOut):
                        refused[index] = picture
                    else:
                        writer.append(picture)
                    if progress is not None:
                        progress(index + 1, len(entries))
    finally:
        # Also when interrupted: the file is deleted with the `Pictures` that this returns.
        pictures = writer.finish()
    return pictures


def _size(entry: Entry) -> int:
    try:
        return entry.path.stat().st_size
    except OSError:
        return 0


def _picture(entry: Entry, limits: Limits) -> NDArray[np.uint8] | LeftOut:
    try:
        if entry.path.suffix.lower() == ".csv":
            return read_matrix(read_bounded(entry.path, entry.name, limits), entry.name)
        return decode_file(entry.path, entry.name, limits)
    except BakeoffError as error:
        return LeftOut.because(error)


def _labels(
    names: Sequence[str | None], listing: Listing
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Encode the labels, with a class for every folder even if nothing in it could be read."""
    listed = {entry.label for entry in listing.entries} | listing.class_folders
    _, classes = encode_names(label for label in listed if label is not None)
    place = {name: index for index, name in enumerate(classes)}
    labels = [UNLABELLED if label is None else place[label] for label in names]
    return np.asarray(labels, dtype=np.int64), classes


def _read(path: Path, request: ReadRequest) -> Dataset:
    return read_folder(
        path,
        grouping=request.grouping,
        labelling=request.labelling,
        progress=request.progress,
        need_labels=request.need_labels,
    )


READER = Reader(
    "folder",
    "a folder of class folders",
    lambda path: path.is_dir() and is_picture_folder(path),
    _read,
    groups="any",
    labels="any",
)
