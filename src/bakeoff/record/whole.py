"""Files that are there whole or not at all, whatever interrupts the writing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_file", "write_folder"]


def write_file(path: Path, data: bytes) -> None:
    """Write a file; until all of it is there, one that was there before stays."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
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
    partial.mkdir(parents=True)
    for name, data in files.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    if replace:
        shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
