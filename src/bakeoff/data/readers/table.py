"""All readers, in the order in which they are tried."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from bakeoff.data.readers import (
    annotation_tools,
    archive,
    arff,
    array_files,
    arrow,
    folder,
    hdf5,
    idx,
    npz,
    parquet,
    picture_table,
    quickdraw,
    tables,
    teachable_machine,
    webdataset,
)
from bakeoff.data.readers.reader import Reader
from bakeoff.errors import BakeoffError, UnknownFormatError
from bakeoff.plugins import load_plugin, plugins
from bakeoff.said import say

__all__ = ["READERS", "ReaderTable"]

# IDX before folders: its four files may lie beside folders of previews.
# Tables that name pictures before folders, which may hold any of the classes.
# Files of arrays before npz: KMNIST's hold one array each.
# Archives before npz: both are zips, and an archive is one that holds other files than arrays.
# Tables last: nearly any text with numbers passes for one.
READERS: tuple[Reader, ...] = (
    idx.READER,
    teachable_machine.READER,
    quickdraw.READER,
    annotation_tools.READER,
    arrow.READER,
    webdataset.READER,
    picture_table.READER,
    folder.READER,
    array_files.READER,
    parquet.READER,
    archive.READER,
    npz.READER,
    hdf5.READER,
    arff.READER,
    tables.READER,
)


class ReaderTable:
    """Our readers, and after them the entry points ``bakeoff.readers`` of other packages.

    Other packages are imported only when none of our readers fits.
    """

    @cached_property
    def others(self) -> tuple[Reader, ...]:
        """The readers of other packages.

        Raises
        ------
        BakeoffError
            One cannot be imported, or is no `Reader`.
        """
        return tuple(_load(name) for name in plugins("readers"))

    def find(self, path: Path) -> Reader | None:
        """The first reader for a file or folder, or None."""
        return next((reader for reader in READERS if reader.sniffs(path)), None) or next(
            (reader for reader in self.others if _sniffs(reader, path)), None
        )

    def refusal(self, subject: str, problem: str) -> UnknownFormatError:
        """The error for something that no reader fits: its hint has the commonest formats."""
        common = (folder.READER, archive.READER, tables.READER)
        others = [reader for reader in (*READERS, *self.others) if reader not in common]
        formats = {reader.name: reader.reads for reader in others}
        return UnknownFormatError(subject, problem, say("readers.common"), formats)


def _load(name: str) -> Reader:
    reader = load_plugin("readers", name)
    if not isinstance(reader, Reader):
        raise BakeoffError(
            f"plug-in {name}",
            f"its entry point is of type {type(reader).__name__}, not Reader",
            "Let it name a bakeoff.data.readers.reader.Reader",
        )
    return reader


def _sniffs(reader: Reader, path: Path) -> bool:
    try:
        return reader.sniffs(path)
    except Exception as error:  # other people's code
        raise BakeoffError(
            path.name,
            f"the reader {reader.name} failed on it ({type(error).__name__}: {error})",
            "Report this to the package that adds the reader, or uninstall it",
        ) from error
