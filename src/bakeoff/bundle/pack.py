"""A bundle's folder as a single file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from bakeoff.record.whole import write_file

__all__ = ["SUFFIX", "pack"]

SUFFIX = ".bakeoff"


def pack(folder: Path, file: Path) -> None:
    """Zip the bundle in `folder` into `file`; the same bundle gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), compresslevel=6)
    write_file(file, packed.getvalue())
