"""List the pictures of a folder with their labels, before any of them is decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from bakeoff.data.decode import is_picture
from bakeoff.data.readers.matching import match_files
from bakeoff.data.readers.metadata import METADATA_FILES, Metadata, find_metadata, read_metadata
from bakeoff.data.words import nfc, utf8
from bakeoff.errors import LeftOut

__all__ = [
    "Entry",
    "Listing",
    "Split",
    "is_litter",
    "is_picture_folder",
    "list_pictures",
    "looks_usable",
    "split_of",
    "visible",
]

Split: TypeAlias = Literal["train", "val", "test"]

_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that should become a picture.

    Attributes
    ----------
    path : of the file.
    name : its path below the dataset's folder, in NFC and with slashes; `path` keeps the
        spelling of the file.
    label : the name of its class, or None.
    test : whether it belongs to the official test part.
    folders : the folders between the class folder and the file, outermost first.
    row : its metadata.
    """

    path: Path
    name: str
    label: str | None
    test: bool
    folders: tuple[str, ...]
    row: Mapping[str, str]

    @property
    def looks_usable(self) -> bool:
        """Whether it starts like a picture, or may be a CSV matrix."""
        return looks_usable(self.path)


@dataclass(slots=True)
class Listing:
    """The contents of a folder.

    Attributes
    ----------
    description : the layout in words.
    entries : the files that should become pictures, by name.
    class_folders : names of all class folders, including empty ones.
    columns : names of the metadata's columns.
    left_out : files that will not be read, and why.
    """

    description: str
    entries: list[Entry] = field(default_factory=list)
    class_folders: set[str] = field(default_factory=set)
    columns: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def split_of(name: str) -> Split | None:
    """The part of a dataset that a folder of this name holds, or None."""
    return _SPLITS.get(name.lower())


def visible(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in `folder`, sorted, without hidden and system files.

    A link to a folder counts as a file, so that it is not followed. Devices and
    named pipes are ignored.
    """
    with os.scandir(folder) as entries:
        shown = sorted((e for e in entries if not is_litter(e.name)), key=lambda e: e.name)
    folders = [Path(e.path) for e in shown if e.is_dir(follow_symlinks=False)]
    files = [Path(e.path) for e in shown if e.is_file(follow_symlinks=False) or e.is_symlink()]
    return folders, files


def looks_usable(path: Path) -> bool:
    """Whether a file starts like a picture, or may be a CSV matrix."""
    if path.suffix.lower() == ".csv":
        return path.name not in METADATA_FILES
    try:
        # Only a plain file may be opened: reading a named pipe would block for ever.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_picture(file.read(64))
    except OSError:
        return False


def is_picture_folder(root: Path) -> bool:
    """Whether the layout of `root` gives its pictures classes."""
    folders, _ = visible(root)
    if any(find_metadata(folder) for folder in [root, *folders]):
        return True
    if len(folders) == 1:
        # A single folder is a class only if there are pictures in it; else it wraps the dataset.
        return any(map(looks_usable, visible(folders[0])[1]))
    return any(looks_usable(path) for folder in folders for path in _files_below(folder))


def list_pictures(root: Path) -> Listing:
    """List the pictures in a folder, with labels and metadata.

    Parameters
    ----------
    root : a folder of class folders; or of folders called train, val and test with class
        folders; or, at either level, with a metadata.csv or metadata.jsonl, whose label
        column takes precedence over the names of class folders.

    Raises
    ------
    BakeoffError
        A metadata file cannot be read.
    """
    parts, left_out = _split_folders(root)
    metadata: dict[Path, Metadata] = {}
    for folder in dict.fromkeys([root, *parts]):
        path = find_metadata(folder)
        if path is not None:
            metadata[folder] = read_metadata(path, path.relative_to(root).as_posix())
    listing = Listing(_layout(parts, metadata), left_out=left_out)
    files = {part: list(_files_below(part)) for part in parts or {root: "train"}}
    rows = {folder: _rows_by_file(table, files) for folder, table in metadata.items()}
    for part, split in (parts or {root: "train"}).items():
        # The table nearest to the pictures takes precedence.
        near = part if part in metadata else root
        table = metadata.get(near)
        if table is None or table.label_column is None:
            listing.class_folders |= {nfc(folder.name) for folder in visible(part)[0]}
        for path in files[part]:
            if path.parent in metadata and path.name in METADATA_FILES:
                continue
            row = rows[near].get(path, {}) if table else {}
            entry = _entry(path, root, part, split == "test", table, row)
            if path.is_symlink() and not _stays(path, root.resolve()):
                problem = "it is a link that leaves this folder, or leads to no file"
                listing.left_out.append(LeftOut(entry.name, problem, "Copy its target here"))
            elif entry.label is not None or entry.looks_usable or _is_called_picture(path):
                # Other files without a label are READMEs, licences and the like.
                listing.entries.append(entry)
    for folder, table in metadata.items():
        listing.columns += [c for c in table.columns if c not in listing.columns]
        listing.left_out += table.left_out
        listing.left_out += _rows_without_picture(root, table, rows[folder])
    return listing


def _rows_by_file(
    table: Metadata, files: Mapping[Path, Sequence[Path]]
) -> dict[Path, Mapping[str, str]]:
    """The row of each file that the table names."""
    folder = table.path.parent
    paths = {
        path.relative_to(folder).as_posix(): path
        for part in files.values()
        for path in part
        if path.is_relative_to(folder) and path != table.path
    }
    matched = match_files(table.rows, paths)
    return {paths[name]: table.rows[row] for row, name in matched.items()}


def _entry(
    path: Path, root: Path, part: Path, test: bool, table: Metadata | None, row: Mapping[str, str]
) -> Entry:
    name = nfc(path.relative_to(root).as_posix())
    folders = path.relative_to(part).parts[:-1]
    if table is not None and table.label_column is not None:
        label = row.get(table.label_column) or None
        return Entry(path, name, label and nfc(label), test, folders, row)
    if not folders:
        return Entry(path, name, None, test, (), row)
    return Entry(path, name, nfc(folders[0]), test, folders[1:], row)


def _is_called_picture(path: Path) -> bool:
    """Whether the name is that of a picture, so that people miss it if it is not listed."""
    return (guess_type(path.name)[0] or "").startswith("image/")


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden or a system file, and ignored."""
    return name.startswith(".") or name.lower() in _LITTER


def _files_below(folder: Path) -> Iterator[Path]:
    """Every visible file at any depth, including links to folders."""
    folders, files = visible(folder)
    yield from files
    for inner in folders:
        yield from _files_below(inner)


def _stays(link: Path, inside: Path) -> bool:
    """Whether a link leads to a plain file below `inside`."""
    try:
        return link.is_file() and link.resolve().is_relative_to(inside)
    except (OSError, RuntimeError):  # circular links
        return False


def _split_folders(root: Path) -> tuple[dict[Path, Split], list[LeftOut]]:
    """The train, validation and test folders; none if these are names of classes."""
    folders, _ = visible(root)
    splits = {folder: split for folder in folders if (split := split_of(folder.name))}
    others = [folder for folder in folders if folder not in splits]
    training = [folder for folder, split in splits.items() if split == "train"]
    if not training or (others and any(map(_is_class, training))):
        return {}, []
    problem = "it is beside the train and test folders, so it belongs to neither"
    hint = "Move it into one of them"
    return splits, [LeftOut(f"{utf8(folder.name)}/", problem, hint) for folder in others]


def _is_class(folder: Path) -> bool:
    """Whether a folder holds pictures directly: of trains, beside folders of cars and planes."""
    return find_metadata(folder) is None and any(map(looks_usable, visible(folder)[1]))


def _layout(parts: Mapping[Path, Split], metadata: Mapping[Path, Metadata]) -> str:
    labelled = [table.path.name for table in metadata.values() if table.label_column]
    words = f"pictures with {labelled[0]}" if labelled else "class folders"
    if parts:
        words += f" in {', '.join(folder.name for folder in parts)}"
    if "val" in parts.values():
        words += " (validation joined with training)"
    return words


def _rows_without_picture(
    root: Path, table: Metadata, rows: Mapping[Path, Mapping[str, str]]
) -> Iterator[LeftOut]:
    used = {id(row) for row in rows.values()}
    where = table.path.relative_to(root).as_posix()
    for key, row in table.rows.items():
        if id(row) in used:
            continue
        path = PurePosixPath(key)
        subject = utf8(f"{where} row '{key}'")
        if path.is_absolute() or ".." in path.parts or ":" in key.partition("/")[0]:
            problem = "it points outside of the folder"
            yield LeftOut(subject, problem, "Move the picture into the folder")
        else:
            yield LeftOut(subject, "there is no such file", "Add the picture or remove the row")
