"""The visible files and folders of a set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bakeoff.data.decode import is_picture
from bakeoff.data.readers.metadata import is_metadata

__all__ = ["files_below", "is_litter", "looks_usable", "visible"]

_LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"}


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
