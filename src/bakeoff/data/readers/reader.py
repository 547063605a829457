"""What a reader is: how it recognises its files, and how it reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from bakeoff.data.dataset import Dataset
from bakeoff.data.grouping import Grouping
from bakeoff.errors import BakeoffError

__all__ = ["Progress", "ReadRequest", "Reader"]

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """How a source is to be read.

    Attributes
    ----------
    read : reads any file or folder; see `read_inside`.
    group : the text of ``--group``, or None.
    grouping : the same, parsed.
    progress : called with the number of pictures done and of all, or None.
    need_labels : pictures without a label need not be read.
    nesting : archives around this source.
    """

    read: Callable[[Path, ReadRequest], Dataset]
    group: str | None = None
    grouping: Grouping | None = None
    progress: Progress | None = None
    need_labels: bool = True
    nesting: int = 0

    def read_inside(self, path: Path) -> Dataset:
        """Read what an archive contained, with whichever reader fits."""
        return self.read(path, replace(self, nesting=self.nesting + 1))


@dataclass(frozen=True, slots=True)
class Reader:
    """One layout of a dataset.

    Attributes
    ----------
    name : unique, such as "idx".
    reads : what it reads, with its article: "a Parquet file". Errors list these.
    sniffs : whether a file or folder, by its content, is for this reader. It must answer for any
        path that exists, quickly and without raising.
    read : reads such a path. The labels may be -1 and the classes empty; `validate` follows.
    groups : which forms of ``--group`` it can follow; others are refused before it is called.
    """

    name: str
    reads: str
    sniffs: Callable[[Path], bool]
    read: Callable[[Path, ReadRequest], Dataset]
    groups: Literal["any", "columns", "none"] = "none"

    def check_group(self, path: Path, request: ReadRequest) -> None:
        """Refuse a ``--group`` that this layout has no answer to.

        Raises
        ------
        BakeoffError
            Names `path` and why.
        """
        if request.grouping is None or self.groups == "any":
            return
        if self.groups == "none":
            why = "its pictures have no file names, folders or columns"
        elif request.grouping.kind == "column":
            return
        else:
            why = "its rows have no file names or folders"
        raise BakeoffError(
            path.name, f"--group '{request.group}' does not fit it: {why}", "Leave --group out"
        )
