"""A dataset of any layout in a zip or tar archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bakeoff.data.archive import is_archive, unpacked
from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.errors import BakeoffError
from bakeoff.said import say

__all__ = ["READER", "read_archive"]

# Some sites deliver an archive inside an archive; deeper nesting is an attack.
_MAX_NESTING = 3


def read_archive(path: Path, request: ReadRequest) -> Dataset:
    """Unpack an archive into a temporary folder and read that.

    Raises
    ------
    BakeoffError
        It is damaged or too large, or its content cannot be read.
    """
    if request.nesting == _MAX_NESTING:
        problem = f"it is an archive inside archives, more than {_MAX_NESTING} deep"
        raise BakeoffError(path.name, problem, "Unpack it yourself and give the folder")
    with unpacked(path) as (folder, left_out):
        try:
            dataset = request.read_inside(folder)
        except BakeoffError as error:
            raise _inside(path, error) from error
        return replace(
            dataset,
            left_out=left_out + dataset.left_out,
            description=say("layout.inArchive", layout=dataset.description, archive=path.name),
        )


def _inside(path: Path, error: BakeoffError) -> BakeoffError:
    """The error with the archive in its subject, where that is a file or folder of it."""
    subject = error.subject
    if subject.startswith((path.name, "--")):
        return error
    return BakeoffError(f"{path.name}/{subject}", error.problem, error.hint)


# Reading its content checks --group and --label.
READER = Reader(
    "archive", "a zip or tar archive", is_archive, read_archive, groups="any", labels="any"
)
