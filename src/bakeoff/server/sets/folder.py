"""The sets in a server's folder: uploaded whole, or drawn and corrected picture by picture."""

from __future__ import annotations

import io
import re
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ValidationError

from bakeoff.data.archive import Unpacking, is_archive, unpacked
from bakeoff.data.dataset import Dataset
from bakeoff.data.decode import decode, decode_file
from bakeoff.data.read import read
from bakeoff.data.readers.listing import Entry, is_picture_folder, list_pictures, visible
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.server.home import delete_folder, folder_checked, name_checked
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.predict import Refusal

__all__ = ["ClassCount", "PictureInfo", "SetSummary", "Sets"]

SUMMARY = ".set.json"  # of an upload, as it was read
GROUP = "^(.+)--"  # how a picture's file name says who drew it
NUMBERED = re.compile(r"(?:(?P<group>.+)--)?(?P<number>\d+)")
CLASS_FOLDERS = "class folders"


class ClassCount(BaseModel):
    """A class and the number of its pictures."""

    name: str
    count: int


class SetSummary(BaseModel):
    """A set in this server's folder.

    `group` is what to train it with so that `groups` are known; None where none is needed or
    where not every picture has one. Into a set that is `editable` pictures can be put. `missing`
    says what it takes until it can be trained on; None if it can.
    """

    name: str
    description: str
    pictures: int
    classes: list[ClassCount]
    group: str | None = None
    groups: list[str] = []
    left_out: list[Refusal] = []
    editable: bool = False
    missing: str | None = None


class PictureInfo(BaseModel):
    """A picture of a set: `id` is its address there."""

    id: str
    label: str
    group: str | None


class Sets:
    """Sets by name. What a client says is looked up in a folder, and never becomes a path.

    Parameters
    ----------
    folder : where they lie; made when the first comes. None for nowhere.
    bounds : on what clients send.
    """

    def __init__(self, folder: Path | None, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._changing = threading.Lock()

    def path_of(self, name: str) -> Path | None:
        """Where the set of that name lies, or None."""
        return next((path for path in self._paths() if path.name == name), None)

    def summaries(self) -> list[SetSummary]:
        """All sets, by name."""
        return [_summary(path) for path in self._paths()]

    def summary(self, name: str) -> SetSummary:
        """One set; as all that follow, it raises a 404 Problem if there is none."""
        return _summary(self._path(name))

    # -- whole sets ---------------------------------------------------------------

    def staging(self) -> TemporaryDirectory[str]:
        """A folder for files on their way; on the same disk, so that they can be moved."""
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(dir=self._folder, prefix=".incoming-", ignore_cleanup_errors=True)

    def keep(self, name: str, files: Sequence[tuple[str, Path]], staging: Path) -> SetSummary:
        """Make a set of uploaded files: an archive, a table, or pictures in class folders.

        Parameters
        ----------
        files : what the client calls each, and where it is.
        staging : a folder to work in, which is deleted after.

        Raises
        ------
        BakeoffError
            They cannot be read as a set.
        """
        name = self._new(name)
        if not files:
            raise Problem(400, "There is no file. Send a zip, a table, or pictures in folders.")
        folder = staging / "unpacked" / name
        folder.parent.mkdir()
        left_out = self._unpack(name, files, folder)
        folder = _unwrapped(folder)
        dataset = read(folder)
        found = _of_dataset(name, dataset, left_out)
        (folder / SUMMARY).write_text(found.model_dump_json(indent=1), encoding="utf-8")
        assert self._folder is not None
        with self._changing:
            self._new(name)
            folder.rename(self._folder / name)
        return self.summary(name)

    def delete(self, name: str) -> None:
        """Delete a set for ever."""
        delete_folder(self._path(name))

    def _new(self, text: str) -> str:
        name = name_checked(text, "set")
        if self._folder is None or (self._folder / name).exists():
            raise Problem(409, f"There is a set {name} already. Choose another name, or delete it.")
        return name

    def _unpack(
        self, name: str, files: Sequence[tuple[str, Path]], folder: Path
    ) -> tuple[LeftOut, ...]:
        limits = self._bounds.set_archive
        first = files[0][1]
        if len(files) == 1 and is_archive(first):
            packed = first.with_name(name)  # as it is called in a refusal
            first.rename(packed)
            with unpacked(packed, limits) as (inside, left_out):
                shutil.copytree(inside, folder)
                return left_out
        unpacking = Unpacking(Path(name), folder, limits)
        folder.mkdir()
        for called, path in files:
            unpacking.count()
            unpacking.add_file(called, 0, partial(io.FileIO, path))
        return tuple(unpacking.left_out)

    # -- picture by picture ---------------------------------------------------------

    def pictures(self, name: str) -> list[PictureInfo]:
        """Every picture of a set of class folders, by class and name."""
        path = self._path(name)
        if not _is_editable(path):
            raise _not_editable(name)
        return [_info(entry) for entry in _entries(path)]

    def picture(self, name: str, picture: str) -> bytes:
        """A picture as PNG, decoded and encoded anew: nothing is served as it was uploaded."""
        try:
            return _png(decode_file(self._picture(name, picture), picture))
        except BakeoffError as error:
            raise Problem(409, str(error)) from None

    def add(
        self, name: str, label: str, group: str | None, data: bytes, *, create: bool
    ) -> PictureInfo:
        """Put a picture into a class of a set.

        Raises
        ------
        BakeoffError
            It is no picture.
        """
        label = folder_checked(label, "class")
        group = folder_checked(group, "group") if group else None
        prefix = f"{group}--" if group else ""
        png = _png(decode(data, "the picture", self._bounds.inputs.picture))
        with self._changing:
            root = self._root(name, create=create)
            folder = root / label
            folder.mkdir(exist_ok=True)
            if folder not in root.iterdir():
                raise Problem(
                    409, f"{label} and another class differ by case alone. Choose another name."
                )
            numbers = [NUMBERED.fullmatch(one.stem) for one in folder.iterdir()]
            number = 1 + max((int(one["number"]) for one in numbers if one), default=0)
            file = folder / f"{prefix}{number:04d}.png"
            with file.open("xb") as out:
                out.write(png)
        return PictureInfo(id=f"{label}/{file.name}", label=label, group=group)

    def remove(self, name: str, picture: str) -> None:
        """Take a picture out of a set; a class without any goes too."""
        path = self._picture(name, picture)
        with self._changing:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # others are in it
                path.parent.rmdir()

    def _root(self, name: str, *, create: bool) -> Path:
        root = self.path_of(name)
        if root is None:
            if not create or self._folder is None:
                raise _no_set(name)
            root = self._folder / self._new(name)
            root.mkdir(parents=True)
        elif not _is_editable(root):
            raise _not_editable(name)
        if len(_entries(root)) >= self._bounds.set_files:
            raise Problem(409, f"A set holds {self._bounds.set_files} pictures at most.")
        return root

    def _picture(self, name: str, picture: str) -> Path:
        path = self._path(name)
        if not _is_editable(path):
            raise _not_editable(name)
        root = path
        for part in picture.split("/"):
            folders, files = visible(path) if path.is_dir() else ([], [])
            path = next((one for one in (*folders, *files) if one.name == part), Path())
            if path == Path():
                break
        if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            raise Problem(404, f"There is no picture {picture[:200]!r} in this set.")
        return path

    def _path(self, name: str) -> Path:
        path = self.path_of(name)
        if path is None:
            raise _no_set(name)
        return path

    def _paths(self) -> list[Path]:
        if self._folder is None or not self._folder.is_dir():
            return []
        return visible(self._folder)[0]


def _no_set(name: str) -> Problem:
    return Problem(404, f"There is no set {name[:100]!r} here.", lists="/api/sets")


def _not_editable(name: str) -> Problem:
    return Problem(
        409, f"{name} is no set of pictures in class folders. Put pictures into another set."
    )


def _summary(path: Path) -> SetSummary:
    kept = _kept(path)
    if not _is_editable(path):
        return kept or _read_now(path)
    left_out = kept.left_out if kept else []
    out = {one.subject for one in left_out}
    entries = [one for one in _entries(path) if one.name not in out]
    counts = Counter(one.label or "" for one in entries)
    groups = {_info(one).group for one in entries}
    folders = {one.name for one in visible(path)[0]}
    enough = sum(count >= 2 for count in counts.values()) >= 2
    return SetSummary(
        name=path.name,
        description=f"{CLASS_FOLDERS}, {len(entries)} pictures",
        pictures=len(entries),
        classes=[ClassCount(name=one, count=counts[one]) for one in sorted(folders | set(counts))],
        group=GROUP if groups and None not in groups else None,
        groups=sorted(one for one in groups if one is not None),
        left_out=left_out,
        editable=True,
        missing=None if enough else "It takes at least two pictures of each of two classes.",
    )


def _kept(path: Path) -> SetSummary | None:
    try:
        found = SetSummary.model_validate_json((path / SUMMARY).read_bytes())
    except (OSError, ValidationError):
        return None
    return found.model_copy(update={"name": path.name})


def _read_now(path: Path) -> SetSummary:
    """A set that somebody put here by hand."""
    try:
        return _of_dataset(path.name, read(path), ())
    except BakeoffError as error:
        return SetSummary(
            name=path.name,
            description="not a set that can be read",
            pictures=0,
            classes=[],
            missing=str(error),
        )


def _of_dataset(name: str, dataset: Dataset, left_out: Sequence[LeftOut]) -> SetSummary:
    counts = Counter(dataset.labels.tolist())
    return SetSummary(
        name=name,
        description=dataset.description,
        pictures=len(dataset),
        classes=[
            ClassCount(name=one, count=counts[index]) for index, one in enumerate(dataset.classes)
        ],
        groups=list(dataset.group_names),
        left_out=[
            Refusal(subject=one.subject, problem=one.problem, hint=one.hint)
            for one in (*left_out, *dataset.left_out)
        ],
    )


def _is_editable(path: Path) -> bool:
    if not any(visible(path)):
        return True
    return is_picture_folder(path) and list_pictures(path).description == CLASS_FOLDERS


def _entries(path: Path) -> list[Entry]:
    found = [one for one in list_pictures(path).entries if one.label is not None]
    return sorted(found, key=lambda one: one.name)


def _info(entry: Entry) -> PictureInfo:
    found = NUMBERED.fullmatch(entry.path.stem)
    return PictureInfo(
        id=entry.name, label=entry.label or "", group=found["group"] if found else None
    )


def _unwrapped(folder: Path) -> Path:
    """The folder with the set, where a packer put it into folders of its own."""
    while not is_picture_folder(folder):
        folders, files = visible(folder)
        if len(folders) != 1 or files:
            break
        folder = folders[0]
    return folder


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
