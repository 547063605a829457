"""A bundle's folder as one file."""

from __future__ import annotations

import zipfile
from pathlib import Path

__all__ = ["SUFFIX", "pack"]

SUFFIX = ".bakeoff"


def pack(folder: Path, file: Path) -> None:
    """Zip the bundle in `folder` to `file`; the same bundle gives the same bytes."""
    partial = file.with_name(f".{file.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(one.name), one.read_bytes(), compresslevel=6)
    partial.replace(file)
