"""The sets in a server's folder: uploaded whole, or collected picture by picture."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bakeoff.data.archive import Unpacking, is_archive, unpacked
from bakeoff.data.decode import decode, decode_file, ending_of, read_bounded
from bakeoff.data.image import to_png
from bakeoff.data.read import read, read_as_found
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.listing import is_picture_folder
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.said import say
from bakeoff.server.home import delete_folder, folder_checked, name_checked
from bakeoff.server.limits import MB, Bounds, Problem
from bakeoff.server.sets.summary import (
    NUMBERED,
    PictureInfo,
    SetSummary,
    group_of,
    is_editable,
    labelled_entries,
    picture_info,
    save_summary,
    summary_of,
    unlabelled_entries,
)

__all__ = ["Sets"]


class Sets:
    """Sets by name. A client's name is looked up in the folder, and never becomes a path.

    Parameters
    ----------
    folder : of the sets, created with the first one; None for a server without sets.
    bounds : limits on requests.
    """

    def __init__(self, folder: Path | None, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._changing = threading.Lock()

    def path_of(self, name: str) -> Path | None:
        """The folder of the set of that name, or None."""
        return _called(name, self._paths())

    def summaries(self) -> list[SetSummary]:
        """All sets, by name."""
        return [summary_of(path) for path in self._paths()]

    def summary(self, name: str) -> SetSummary:
        """One set. This and all methods below raise `Problem` 404 if there is none."""
        return summary_of(self._path(name))

    # -- whole sets ---------------------------------------------------------------

    def staging(self) -> TemporaryDirectory[str]:
        """A temporary folder for uploads, on the same disk, so that files can be moved."""
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(dir=self._folder, prefix=".incoming-", ignore_cleanup_errors=True)

    def keep(self, name: str, files: Sequence[tuple[str, Path]], staging: Path) -> SetSummary:
        """Make a set of uploaded files: an archive, a table, or pictures in class folders.

        Parameters
        ----------
        name : of the new set.
        files : the client's name of each file, and its path.
        staging : a temporary folder to work in.

        Raises
        ------
        BakeoffError
            The files cannot be read as a set.
        Problem
            400: there are no files, or the name is invalid. 409: the name is taken.
        """
        name = self._new(name)
        if not files:
            raise Problem(400, say("error.noFiles"))
        folder = staging / "unpacked" / name
        folder.parent.mkdir()
        left_out = self._unpack(name, files, folder)
        folder = _unwrapped(folder)
        folders, beside = visible(folder)
        if len(folders) == 1 and not beside and not visible(folders[0])[0]:
            folder = folders[0]  # one folder is no class: it wraps pictures that wait for labels
        if is_editable(folder) and not visible(folder)[0]:  # pictures that wait for labels
            read_as_found(folder, need_labels=False)
        else:
            save_summary(folder, name, read(folder), left_out)
        assert self._folder is not None
        with self._changing:
            self._new(name)
            folder.rename(self._folder / name)
        return self.summary(name)

    def delete(self, name: str) -> None:
        """Delete a set permanently."""
        delete_folder(self._path(name))

    def _new(self, text: str) -> str:
        name = name_checked(text, "set")
        if self._folder is None or (self._folder / name).exists() or self.path_of(name):
            raise Problem(409, say("error.setExists", name=name))
        return name

    def _unpack(
        self, name: str, files: Sequence[tuple[str, Path]], folder: Path
    ) -> tuple[LeftOut, ...]:
        limits = self._bounds.set_archive
        first = files[0][1]
        if len(files) == 1 and is_archive(first):
            packed = first.with_name(name)  # its name in error messages
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
        if not is_editable(path):
            raise _not_editable(name)
        return [picture_info(entry) for entry in labelled_entries(path)]

    def waiting(self, name: str) -> list[PictureInfo]:
        """The pictures of such a set that wait for a label."""
        path = self._path(name)
        if not is_editable(path):
            raise _not_editable(name)
        return [picture_info(entry) for entry in unlabelled_entries(path)]

    def picture(self, name: str, picture: str) -> bytes:
        """A picture to show, encoded again as PNG: a page never shows uploaded bytes."""
        try:
            return to_png(decode_file(self._picture(name, picture), picture))
        except BakeoffError as error:
            raise Problem.because(409, error) from None

    def original(self, name: str, picture: str) -> bytes:
        """The file of a picture, as it was given."""
        try:
            data = read_bounded(self._picture(name, picture), picture)
            ending_of(data, picture)
        except BakeoffError as error:
            raise Problem.because(409, error) from None
        return data

    def add(
        self, name: str, label: str, group: str | None, data: bytes, *, create: bool
    ) -> PictureInfo:
        """Add a picture to a class of a set: the very bytes, which training decodes by itself.

        Parameters
        ----------
        name : of the set.
        label : the class, which is created if it is new.
        group : who drew the picture, or None.
        data : the picture as a file.
        create : whether to create the set if there is none.

        Raises
        ------
        BakeoffError
            The data is not a picture.
        Problem
            409: the set is full.
        """
        label = folder_checked(label, "class")
        group = folder_checked(group, "group") if group else None
        prefix = f"{group}--" if group else ""
        decode(data, "the picture", self._bounds.inputs.picture)
        ending = ending_of(data, "the picture")
        with self._changing:
            folder = _class_folder(self._root(name, len(data), create=create), label)
            file = folder / f"{prefix}{_next_number(folder):04d}{ending}"
            with file.open("xb") as out:
                out.write(data)
        return PictureInfo(id=f"{label}/{file.name}", label=label, group=group)

    def move(self, name: str, pictures: Sequence[str], label: str | None) -> list[PictureInfo]:
        """Give pictures of a set another class: new, or one that exists.

        Parameters
        ----------
        pictures : their ids; if one is unknown, nothing is moved.
        label : the class; None to let them wait for a label.

        Returns
        -------
        The pictures in the given order, which have new ids.

        Raises
        ------
        BakeoffError
            The name of the class is invalid.
        """
        label = None if label is None else folder_checked(label, "class")
        moved = []
        with self._changing:
            root = self._path(name)
            found = [self._picture(name, picture) for picture in pictures]
            folder = root if label is None or not found else _class_folder(root, label)
            for path in found:
                group, target = group_of(path), folder / path.name
                if path.parent != folder:
                    if target.exists():
                        prefix = f"{group}--" if group else ""
                        target = folder / f"{prefix}{_next_number(folder):04d}{path.suffix}"
                    path.rename(target)
                    with suppress(OSError):  # it still contains others
                        path.parent.rmdir()
                place = target.name if label is None else f"{label}/{target.name}"
                moved.append(PictureInfo(id=place, label=label, group=group))
        return moved

    def remove(self, name: str, picture: str) -> None:
        """Remove a picture from a set, and its class if that is empty then."""
        path = self._picture(name, picture)
        with self._changing:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # it still contains others
                path.parent.rmdir()

    def _root(self, name: str, more: int, *, create: bool) -> Path:
        """The folder of a set with room for a picture of that many bytes."""
        root = self.path_of(name)
        if root is None:
            if not create or self._folder is None:
                raise _no_set(name)
            root = self._folder / self._new(name)
            root.mkdir(parents=True)
        elif not is_editable(root):
            raise _not_editable(name)
        entries = labelled_entries(root)
        if len(entries) >= self._bounds.set_files:
            raise Problem(409, say("error.setFull", n=self._bounds.set_files))
        most = self._bounds.set_archive.max_bytes
        if sum(entry.path.stat().st_size for entry in entries) + more > most:
            raise Problem(
                409,
                say("error.setSize", n=most // MB),
            )
        return root

    def _picture(self, name: str, picture: str) -> Path:
        path = self._path(name)
        if not is_editable(path):
            raise _not_editable(name)
        root = path
        for part in picture.split("/"):
            folders, files = visible(path) if path.is_dir() else ([], [])
            entry = _called(part, [*folders, *files])
            path = entry or Path()
            if entry is None:
                break
        if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            raise Problem(404, say("error.noPicture", name=repr(picture[:200])))
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


def _called(name: str, paths: Sequence[Path]) -> Path | None:
    """The path of that name, in this spelling or else in another form of Unicode."""
    exact = next((path for path in paths if path.name == name), None)
    return exact or next((path for path in paths if nfc(path.name) == nfc(name)), None)


def _class_folder(root: Path, label: str) -> Path:
    """The folder of a class, created if it is new."""
    folder = _called(label, visible(root)[0]) or root / label
    folder.mkdir(exist_ok=True)
    if folder not in root.iterdir():
        raise Problem(409, say("error.classCase", label=label))
    return folder


def _next_number(folder: Path) -> int:
    matches = [NUMBERED.fullmatch(path.stem) for path in folder.iterdir()]
    return 1 + max((int(match["number"]) for match in matches if match), default=0)


def _no_set(name: str) -> Problem:
    return Problem(404, say("error.noSet", name=repr(name[:100])), lists="/api/sets")


def _not_editable(name: str) -> Problem:
    return Problem(409, say("error.notEditable", name=name))


def _unwrapped(folder: Path) -> Path:
    """The folder with the set, if an archive wraps it in further folders."""
    while not is_picture_folder(folder):
        folders, files = visible(folder)
        if len(folders) != 1 or files:
            break
        folder = folders[0]
    return folder
