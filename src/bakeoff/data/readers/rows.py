"""Pictures that rows of a file name: tables, and the exports of annotation tools."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path, PurePosixPath

from bakeoff.data.readers.files import below, files_below
from bakeoff.data.readers.listing import Entry, Listing, leaves
from bakeoff.data.readers.matching import closest
from bakeoff.data.readers.splits import Split, split_of_path
from bakeoff.data.words import count, nfc, nor_others, utf8
from bakeoff.errors import LeftOut

__all__ = ["PictureIndex", "Row", "is_picture_name", "list_rows"]

_MISSING = 20  # rows without a picture that are listed one by one
# Label Studio puts eight hexadecimal digits before the name of an uploaded file.
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")


@dataclass(frozen=True, slots=True)
class Row:
    """What a file says of one picture.

    Attributes
    ----------
    file : the picture, as it is written there.
    label : its class, or None.
    where : the row, for people: "labels.csv line 3".
    split : the part it belongs to, or None if the row does not say.
    cells : further columns.
    several : its classes, if there is more than one.
    """

    file: str
    label: str | None
    where: str
    split: Split | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    several: tuple[str, ...] = ()


def is_picture_name(name: str) -> bool:
    """Whether a name ends as those of pictures do."""
    return (guess_type(PurePosixPath(name).name)[0] or "").startswith("image/")


class PictureIndex:
    """The files below a folder that are called like pictures, by all that may name them.

    No name in a row is ever opened as a path: it is looked up here, so that none can lead out of
    the folder.

    Parameters
    ----------
    root : the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = {
            nfc(below(path, root)): path for path in files_below(root) if is_picture_name(path.name)
        }
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._names: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            key = path.casefold()
            name = key.rpartition("/")[2]
            self._whole[key].append(path)
            self._names[name].append(path)
            self._stems[name.rpartition(".")[0]].append(path)

    def __contains__(self, cell: str) -> bool:
        return bool(self._called(_parts(cell)))

    def find(self, cell: str, near: str = "", split: Split | None = None) -> str | None:
        """The picture that a cell names, or None if it names none, or several equally well.

        As a path from `near` or from the root, or else by its name, with or without the suffix
        and in any case. Of several of that name, the folders before it decide, then those of
        `near`, then the part.

        Parameters
        ----------
        cell : a path, with folders or without.
        near : the folder of the table below the root; empty for the root.
        split : the part that the row belongs to.
        """
        parts = _parts(cell)
        for folder in dict.fromkeys((near, "")):
            whole = self._whole.get("/".join([*_parts(folder), *parts]), [])
            if len(whole) == 1:
                return whole[0]
        candidates = self._called(parts)
        if len(candidates) > 1:
            fits = {
                path: (
                    _common(_parts(path), parts),
                    bool(near) and path.startswith(f"{near}/"),
                    split is not None and _split_of_folders(path) == split,
                )
                for path in candidates
            }
            best = max(fits.values())
            candidates = [path for path in candidates if fits[path] == best]
        return candidates[0] if len(candidates) == 1 else None

    def _called(self, parts: Sequence[str]) -> list[str]:
        if not parts:
            return []
        uploaded = _UPLOADED.fullmatch(parts[-1])
        for name in (parts[-1], uploaded and uploaded[1]):
            if name and (found := self._names.get(name) or self._stems.get(name)):
                return found
        return []


def list_rows(
    index: PictureIndex,
    rows: Iterable[tuple[Path, Row]],
    description: str,
    columns: Sequence[str] = (),
) -> Listing:
    """The pictures that rows name, each once.

    A picture with several rows gets the class of most of them, and where they differ that is
    noted as a doubt. Without a majority the picture is left out.

    Parameters
    ----------
    index : the pictures that there are.
    rows : each with the file that it is from.
    description : the layout, in words.
    columns : names of the further columns of the rows.
    """
    listing = Listing(description, columns=list(columns))
    by_picture: dict[str, list[Row]] = defaultdict(list)
    missing: list[Row] = []
    tables: dict[Path, str] = {}
    for table, row in rows:
        near = tables.setdefault(table, _below(table.parent, index.root))
        picture = index.find(row.file, near, row.split)
        if picture is None:
            missing.append(row)
        else:
            by_picture[picture].append(row)
    for picture in sorted(by_picture):
        entry = _entry(index, picture, by_picture[picture], listing)
        if entry is not None:
            listing.entries.append(entry)
    if all(entry.test for entry in listing.entries if entry.label is not None):
        listing.entries = [entry.trained() for entry in listing.entries]
    names = ", ".join(nfc(table.name) for table in tables) or "the table"
    listing.silent = f"no row of {names}"
    listing.left_out += _without_picture(missing, [p for p in index.paths if p not in by_picture])
    listing.left_out += _without_row([p for p in index.paths if p not in by_picture], names)
    return listing


def _entry(
    index: PictureIndex, picture: str, rows: Sequence[Row], listing: Listing
) -> Entry | None:
    path = index.paths[picture]
    if path.is_symlink() and leaves(path, index.root.resolve()):
        problem = "it is a link that leaves this folder, or leads to no file"
        listing.left_out.append(LeftOut(picture, problem, "Copy its target here"))
        return None
    votes = Counter(row.label for row in rows if row.label)
    ranked = votes.most_common()
    label = ranked[0][0] if ranked else None
    if len(ranked) > 1:
        spoken = ", ".join(f"{name} {number}" for name, number in ranked)
        if ranked[0][1] == ranked[1][1]:
            problem = f"its labels differ, without a majority ({spoken})"
            listing.left_out.append(LeftOut(picture, problem, "Decide which one is right"))
            return None
        listing.doubts[picture] = f"its labels differ ({spoken})"
    split = next((row.split for row in rows if row.split), None) or _split_of_folders(picture)
    folders = PurePosixPath(picture).parts[:-1]
    return Entry(path, picture, label and nfc(label), split == "test", folders, rows[0].cells)


def _without_picture(missing: Sequence[Row], free: Sequence[str]) -> list[LeftOut]:
    left_out = []
    for row in missing[:_MISSING]:
        near = closest(row.file, free)
        problem, hint = "there is no such picture", "Add it, or remove the row"
        if near:
            there = " and ".join(f"'{utf8(name)}'" for name in near)
            problem += f", but {there} {'is' if len(near) == 1 else 'are'} there"
            hint = "Correct the row, or remove it"
        left_out.append(LeftOut(utf8(f"{row.where}, '{row.file}'"[:300]), problem, hint))
    if len(missing) > _MISSING:
        first = missing[_MISSING]
        rest = len(missing) - _MISSING
        problem = f"there is no such picture{nor_others(rest)}"
        left_out.append(
            LeftOut(utf8(f"{first.where}, '{first.file}'"[:300]), problem, "Add the pictures")
        )
    return left_out


def _without_row(free: Sequence[str], tables: str) -> list[LeftOut]:
    if not free:
        return []
    problem = f"no row of {tables} names it"
    if len(free) > 1:
        problem += f", nor {count(len(free) - 1, 'other')}"
    return [LeftOut(free[0], problem, "Add rows for these pictures, or remove them")]


def _parts(path: str) -> list[str]:
    """The parts of a path as it may be written on any system, in one case."""
    text = nfc(path).strip().replace("\\", "/").casefold()
    return [part for part in text.split("/") if part not in ("", ".", "..")]


def _common(path: Sequence[str], written: Sequence[str]) -> int:
    """How many folders before the name are the same, from the last one on."""
    number = 0
    for mine, theirs in zip(path[-2::-1], written[-2::-1], strict=False):
        if mine != theirs:
            break
        number += 1
    return number


def _split_of_folders(path: str) -> Split | None:
    folders = PurePosixPath(path).parts[:-1]
    return split_of_path("/".join(folders)) if folders else None


def _below(folder: Path, root: Path) -> str:
    inside = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ""
    return "" if inside == "." else inside
