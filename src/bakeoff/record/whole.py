"""Files that are there whole or not at all, whatever interrupts the writing.

What is written is on disk, and so is its name, when a function returns: a power cut that follows
loses nothing. That took 0.13 % of a short run (`syncing` in benchmarks/faults.py).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

__all__ = ["read_file", "write_file", "write_folder"]


def read_file(path: Path, start: int = 0, most: int = -1) -> bytes:
    """The bytes of a regular file from one on, all or the first `most`.

    Anything else, such as a named pipe that somebody left in a run, could keep its reader waiting
    for ever.

    Raises
    ------
    OSError
        It cannot be read, or is no regular file.
    """
    # Without O_NONBLOCK, opening a pipe already waits. Windows has no such pipes in folders.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        file.seek(start)
        return file.read(most)


def write_file(path: Path, data: bytes) -> None:
    """Write a file; until all of it is there, one that was there before stays."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        _write(partial, data)
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_folder(folder: Path, files: Mapping[str, bytes], *, replace: bool = False) -> None:
    """Write files into a new folder, which appears when all are on disk.

    Parameters
    ----------
    files : by their path in the folder.
    replace : a folder that is there goes, but not before the new one is written.

    Raises
    ------
    OSError
        There is a folder with files already, and it was not to be replaced.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        for name, data in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data)
        _sync_folder(partial)
        if replace:
            shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Put the names of a folder's files on disk."""
    if os.name != "posix":  # Windows does not open folders
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
