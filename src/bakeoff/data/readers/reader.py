"""What a reader is: how it recognises its files, and how it reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from bakeoff.data.dataset import Dataset
from bakeoff.data.grouping import Grouping
from bakeoff.data.labelling import Labelling
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
    labelling : where the classes are, from ``--label``, or None.
    need_labels : pictures without a label need not be read.
    nesting : archives around this source.
    """

    read: Callable[[Path, ReadRequest], Dataset]
    group: str | None = None
    grouping: Grouping | None = None
    progress: Progress | None = None
    labelling: Labelling | None = None
    need_labels: bool = True
    nesting: int = 0

    @property
    def label(self) -> str | None:
        """The text of ``--label`` without "column:", or None."""
        return None if self.labelling is None else self.labelling.text

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
    labels : the same for ``--label``.
    """

    name: str
    reads: str
    sniffs: Callable[[Path], bool]
    read: Callable[[Path, ReadRequest], Dataset]
    groups: Literal["any", "columns", "none"] = "none"
    labels: Literal["any", "columns", "none"] = "none"

    def fitted(self, path: Path, request: ReadRequest) -> ReadRequest:
        """The request as this reader understands it; a bare name may be that of a column.

        Raises
        ------
        BakeoffError
            This layout has no answer to its ``--group`` or ``--label``; names `path` and why.
        """
        group, grouping, labelling = request.group, request.grouping, request.labelling
        if grouping is not None and self.groups != "any":
            is_column = grouping.kind == "column" or _may_be_column(grouping.text)
            self._check(path, f"--group '{request.group}'", self.groups, is_column)
            grouping, group = replace(grouping, kind="column"), f"column:{grouping.text}"
        if labelling is not None and self.labels != "any":
            is_column = labelling.is_column or _may_be_column(labelling.text)
            self._check(path, f"--label '{labelling.text}'", self.labels, is_column)
            labelling = replace(labelling, is_column=True)
        return replace(request, group=group, grouping=grouping, labelling=labelling)

    def _check(self, path: Path, option: str, follows: str, is_column: bool) -> None:
        if follows == "columns" and is_column:
            return
        if follows == "columns":
            why = "its rows have no file names or folders"
        else:
            why = "its pictures have no file names, folders or columns"
        raise BakeoffError(
            path.name, f"{option} does not fit it: {why}", f"Leave {option.split()[0]} out"
        )


def _may_be_column(text: str) -> bool:
    return text != "folder" and re.fullmatch(r"[\w .-]+", text) is not None
