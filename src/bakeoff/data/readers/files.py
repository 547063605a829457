"""The visible files and folders of a set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from bakeoff.data.decode import is_picture
from bakeoff.data.readers.metadata import is_metadata

__all__ = [
    "below",
    "files_below",
    "is_litter",
    "looks_usable",
    "scans_remembered",
    "visible",
]

_SEEN: ContextVar[dict[Path, tuple[list[Path], list[Path]]] | None] = ContextVar(
    "seen", default=None
)
_LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"}


def visible(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in `folder`, sorted, without hidden and system files.

    A link to a folder counts as a file, so that it is not followed. Devices and
    named pipes are ignored.
    """
    seen = _SEEN.get()
    if seen is None:
        return _scanned(folder)
    if folder not in seen:
        seen[folder] = _scanned(folder)
    folders, files = seen[folder]
    return list(folders), list(files)


@contextmanager
def scans_remembered() -> Iterator[None]:
    """Scan each folder once within a ``with`` block, though every reader looks into it.

    Ten scans of 100 000 files took half of the time that reading them takes.
    """
    token = _SEEN.set({})
    try:
        yield
    finally:
        _SEEN.reset(token)


def below(path: Path, root: Path) -> str:
    """The path of a file below a folder, with slashes: `relative_to`, ten times as fast."""
    text, start = str(path), str(root)
    if start != "." and text.startswith(start):
        inside = text[len(start) :].lstrip(os.sep)
        return inside if os.sep == "/" else inside.replace(os.sep, "/")
    return path.relative_to(root).as_posix()


def _scanned(folder: Path) -> tuple[list[Path], list[Path]]:
    with os.scandir(folder) as entries:
        shown = sorted((e for e in entries if not is_litter(e.name)), key=lambda e: e.name)
    folders = [Path(e.path) for e in shown if e.is_dir(follow_symlinks=False)]
    files = [Path(e.path) for e in shown if e.is_file(follow_symlinks=False) or e.is_symlink()]
    return folders, files


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden or a system file, and ignored."""
    return name.startswith(".") or name.lower() in _LITTER


def looks_usable(path: Path) -> bool:
    """Whether a file starts like a picture, or may be a CSV matrix."""
    if path.suffix.lower() == ".csv":
        return not is_metadata(path.name)
    try:
        # Only a plain file may be opened: reading a named pipe would block for ever.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_picture(file.read(64))
    except OSError:
        return False


def files_below(folder: Path) -> Iterator[Path]:
    """Every visible file at any depth, including links to folders."""
    folders, files = visible(folder)
    yield from files
    for inner in folders:
        yield from files_below(inner)
