"""The user's cache folder, and files there that can be made again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "keep", "kept"]


def cache_folder() -> Path:
    """What can be made or fetched again: ``$BAKEOFF_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("BAKEOFF_CACHE") or platformdirs.user_cache_dir("bakeoff"))


def kept(folder: str, name: str) -> bytes | None:
    """What `keep` wrote; None if it is not there or cannot be read."""
    path = cache_folder() / folder / name
    with suppress(OSError):
        if path.is_file():
            return path.read_bytes()
    return None


def keep(folder: str, name: str, data: bytes, most: int) -> None:
    """Write a file for later runs; the oldest of more than `most` in its folder go.

    A full disk or a read-only home costs later runs time, and is no error. A file that another
    process reads meanwhile is whole.
    """
    path = cache_folder() / folder / name
    partial = path.with_name(f".{name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        files = sorted(path.parent.glob("[!.]*"), key=lambda file: file.stat().st_mtime)
        for old in files[:-most]:
            old.unlink(missing_ok=True)
