"""List the pictures of a folder with their labels, before any of them is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from mimetypes import guess_type
from pathlib import Path, PurePosixPath

from bakeoff.data.readers.files import below, files_below, looks_usable, visible
from bakeoff.data.readers.layout import Parts, find_parts, holds_pictures
from bakeoff.data.readers.matching import closest, match_files
from bakeoff.data.readers.metadata import Metadata, find_metadata, is_metadata, read_metadata
from bakeoff.data.words import nfc, utf8
from bakeoff.errors import LeftOut
from bakeoff.said import say

__all__ = ["Entry", "Listing", "is_picture_folder", "leaves", "list_pictures"]


_GUESSES = 20  # rows whose file is guessed, since each compares many names


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

    def trained(self) -> Entry:
        """The same, as no part of the official test."""
        return replace(self, test=False)


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
    doubts : pictures whose labels are doubted, and why.
    silent : what says nothing of a picture without a label, as the subject of a sentence.
    """

    description: str
    entries: list[Entry] = field(default_factory=list)
    class_folders: set[str] = field(default_factory=set)
    columns: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)
    silent: str = "neither a class folder nor metadata"


def is_picture_folder(root: Path) -> bool:
    """Whether the layout of `root` gives its pictures classes."""
    folders, _ = visible(root)
    if any(find_metadata(folder) for folder in [root, *folders]):
        return True
    filled = [folder for folder in folders if holds_pictures(folder)]
    if len(filled) == 1:
        # A single folder is a class only if there are pictures in it; else it wraps the dataset.
        return any(map(looks_usable, visible(filled[0])[1]))
    return bool(filled)


def list_pictures(root: Path, *, upper: bool = False) -> Listing:
    """List the pictures in a folder, with labels and metadata.

    Parameters
    ----------
    root : a folder of class folders; or of parts with class folders, see `find_parts`; or, at
        either level, with a metadata.csv or metadata.jsonl, whose label column takes precedence
        over the names of class folders.
    upper : the folders in `root` are the classes even if all have the same sub-folders.

    Raises
    ------
    BakeoffError
        A metadata file cannot be read, or folders of two levels could be the classes.
    """
    # Where a table says what the pictures show, no level of folders has to.
    found = find_parts(root, upper=upper or find_metadata(root) is not None)
    parts = found.folders
    metadata: dict[Path, Metadata] = {}
    for folder in dict.fromkeys([root, *parts]):
        path = find_metadata(folder)
        if path is not None:
            metadata[folder] = read_metadata(path, path.relative_to(root).as_posix())
    listing = Listing(_layout(found, metadata), left_out=list(found.left_out))
    files = {part: _files_of(part, parts) for part in parts or {root: "train"}}
    rows = {folder: _rows_by_file(table, files) for folder, table in metadata.items()}
    for part, split in (parts or {root: "train"}).items():
        # The table nearest to the pictures takes precedence.
        near = part if part in metadata else root
        table = metadata.get(near)
        if table is None or table.label_column is None:
            listing.class_folders |= {
                nfc(folder.name)
                for folder in visible(part)[0]
                if not any(other.is_relative_to(folder) for other in parts)
            }
        for path in files[part]:
            if metadata and is_metadata(path.name) and path.parent in metadata:
                continue
            row = rows[near].get(path, {}) if table else {}
            entry = _entry(path, root, part, split == "test", table, row)
            if path.is_symlink() and leaves(path, root.resolve()):
                problem = "it is a link that leaves this folder, or leads to no file"
                listing.left_out.append(LeftOut(entry.name, problem, "Copy its target here"))
            elif entry.label is not None or entry.looks_usable or _is_called_picture(path):
                # Other files without a label are READMEs, licences and the like.
                listing.entries.append(entry)
    for folder, table in metadata.items():
        listing.columns += [c for c in table.columns if c not in listing.columns]
        listing.left_out += table.left_out
        listing.left_out += _rows_without_picture(root, table, rows[folder], files)
    return listing


def _files_of(part: Path, parts: Iterable[Path]) -> list[Path]:
    """The files of a part, without those of parts within it."""
    within = [other for other in parts if other != part and other.is_relative_to(part)]
    files = files_below(part)
    return [file for file in files if not any(map(file.is_relative_to, within))]


def _rows_by_file(
    table: Metadata, files: Mapping[Path, Sequence[Path]]
) -> dict[Path, Mapping[str, str]]:
    """The row of each file that the table names."""
    paths = _paths_beside(table, files)
    matched = match_files(table.rows, paths)
    return {paths[name]: table.rows[row] for row, name in matched.items()}


def _paths_beside(table: Metadata, files: Mapping[Path, Sequence[Path]]) -> dict[str, Path]:
    """The files that a table may name, by their paths as it would write them."""
    folder = table.path.parent
    return {
        path.relative_to(folder).as_posix(): path
        for part in files.values()
        for path in part
        if path.is_relative_to(folder) and path != table.path
    }


def _entry(
    path: Path, root: Path, part: Path, test: bool, table: Metadata | None, row: Mapping[str, str]
) -> Entry:
    name = nfc(below(path, root))
    folders = tuple(below(path, part).split("/")[:-1])
    if table is not None and table.label_column is not None:
        label = row.get(table.label_column) or None
        return Entry(path, name, label and nfc(label), test, folders, row)
    if not folders:
        return Entry(path, name, None, test, (), row)
    return Entry(path, name, nfc(folders[0]), test, folders[1:], row)


def _is_called_picture(path: Path) -> bool:
    """Whether the name is that of a picture, so that people miss it if it is not listed."""
    return (guess_type(path.name)[0] or "").startswith("image/")


def leaves(link: Path, inside: Path) -> bool:
    """Whether a link leads elsewhere than to a plain file below `inside`."""
    try:
        return not (link.is_file() and link.resolve().is_relative_to(inside))
    except (OSError, RuntimeError):  # circular links
        return True


def _layout(parts: Parts, metadata: Mapping[Path, Metadata]) -> str:
    labelled = [table.path.name for table in metadata.values() if table.label_column]
    words = say("layout.table", table=labelled[0]) if labelled else say("layout.folders")
    if parts.names:
        words = say("layout.inFolders", layout=words, folders=[nfc(name) for name in parts.names])
    if "val" in parts.folders.values():
        words = say("layout.validation", layout=words)
    return words


def _rows_without_picture(
    root: Path,
    table: Metadata,
    rows: Mapping[Path, Mapping[str, str]],
    files: Mapping[Path, Sequence[Path]],
) -> Iterator[LeftOut]:
    used = {id(row) for row in rows.values()}
    where = table.path.relative_to(root).as_posix()
    free = [name for name, path in _paths_beside(table, files).items() if path not in rows]
    guesses = _GUESSES
    for key, row in table.rows.items():
        if id(row) in used:
            continue
        path = PurePosixPath(key)
        subject = utf8(f"{where} row '{key}'")
        if path.is_absolute() or ".." in path.parts or ":" in key.partition("/")[0]:
            problem = "it points outside of the folder"
            yield LeftOut(subject, problem, "Move the picture into the folder")
            continue
        near = closest(key, free) if guesses > 0 else []
        guesses -= 1
        problem, hint = "there is no such file", "Add the picture or remove the row"
        if near:
            there = " and ".join(f"'{utf8(name)}'" for name in near)
            problem += f", but {there} {'is' if len(near) == 1 else 'are'} there"
            hint = "Correct the row, or remove it"
        yield LeftOut(subject, problem, hint)
