"""Projects of Teachable Machine: a zip of pictures called CLASS-!-NUMBER.jpg, and a manifest."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.files import files_below
from bakeoff.data.readers.folder import read_listing
from bakeoff.data.readers.listing import Entry, Listing
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_project"]

_MANIFEST = "manifest.json"
_MAX_BYTES = 1_000_000
_NAME = re.compile(r"(.+)-!-[0-9]+\.\w+", re.DOTALL)
_TYPES = ("image", "audio", "pose")


def is_project(folder: Path) -> bool:
    """Whether a folder holds an unpacked .tm file: its manifest says which kind it is."""
    return folder.is_dir() and _type_of(folder) in _TYPES


def read_project(folder: Path, request: ReadRequest) -> Dataset:
    """Read the pictures of a project; the part of their names before "-!-" is the class.

    Raises
    ------
    BakeoffError
        It is a project of sounds or poses, or the request does not fit.
    """
    kind = _type_of(folder)
    if kind != "image":
        noun = "sounds" if kind == "audio" else "poses"
        raise BakeoffError(
            folder.name,
            f"it is a Teachable Machine project of {noun} ({kind}), not of pictures",
            "Give an image project",
        )
    listing = Listing("Teachable Machine project", silent="no name of the form CLASS-!-NUMBER")
    for path in files_below(folder):
        name = nfc(path.relative_to(folder).as_posix())
        match = _NAME.fullmatch(name)
        # A class called "cats/dogs" is in a folder. Other files than the manifest are reported.
        if name != _MANIFEST and path.is_file() and not path.is_symlink():
            label = match[1].strip() if match else None
            listing.entries.append(Entry(path, name, label or None, False, (), {}))
    return read_listing(folder.name, listing, request)


def _type_of(folder: Path) -> str:
    """The kind of a project, or "" for any other folder."""
    path = folder / _MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return ""
        manifest = json.loads(path.read_bytes())
        known = isinstance(manifest, dict) and (
            "appdata" in manifest or any("-!-" in file.name for file in files_below(folder))
        )
    except (OSError, ValueError, RecursionError):
        return ""
    return str(manifest.get("type", "")) if known else ""


READER = Reader(
    "teachable machine",
    "a Teachable Machine project",
    is_project,
    read_project,
    groups="any",
)
