"""The result of every reader: pictures, labels, class names, groups, an official test part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pictures import Pictures
from bakeoff.data.preview import contact_sheet, counts_in_words
from bakeoff.data.words import count, spaced
from bakeoff.errors import LeftOut

__all__ = ["UNLABELLED", "Dataset"]

UNLABELLED = -1


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled pictures as every other part of bakeoff sees them.

    Attributes
    ----------
    name : a short name, such as that of the folder.
    pictures : N pictures.
    labels : N, index into `classes`, or -1 where there is no label.
    classes : class names; the order is the order of every probability vector.
    names : N, where each picture came from, such as ``smiley/drawn03.jpg``.
    groups : N, index into `group_names` (who drew it, which style), or None.
    group_names : names of the groups; empty when `groups` is None.
    official_test : N, True for pictures of the set's own test part, or None.
    left_out : files, rows and pictures that are not used, and why.
    description : one line: the layout that was recognised, counts and looks.
    doubts : why the labels of some pictures are doubted, by the names of the pictures.
    """

    name: str
    pictures: Pictures
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()
    official_test: NDArray[np.bool_] | None = None
    left_out: tuple[LeftOut, ...] = ()
    description: str = ""
    doubts: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        """Name, size, classes with their counts, groups and test part, in a few lines."""
        return "\n  ".join(
            [
                f"Dataset {self.name}: {self._size()}",
                f"classes: {counts_in_words(self.labels, self.classes)}",
                *self._parts(),
            ]
        )

    def _repr_html_(self) -> str:
        """For notebooks: a contact sheet with the number of pictures of each class."""
        title = ". ".join([f"{self.name}: {self._size()}", *self._parts()])
        return contact_sheet(title, self.pictures, self.labels, self.classes)

    def _size(self) -> str:
        if not len(self):
            return "no pictures"
        return (
            f"{count(len(self), 'picture')} of {self.pictures.sizes}, "
            f"{count(len(self.classes), 'class')}"
        )

    def _parts(self) -> list[str]:
        parts = []
        if self.groups is not None:
            parts.append(f"groups: {spaced(len(self.group_names))}")
        if self.official_test is not None:
            parts.append(f"official test part: {count(int(self.official_test.sum()), 'picture')}")
        unlabelled = int((self.labels == UNLABELLED).sum())
        if unlabelled:
            parts.append(f"without a label: {count(unlabelled, 'picture')}")
        if self.left_out:
            parts.append(f"left out: {spaced(len(self.left_out))}")
        return parts

    def take(self, indices: NDArray[np.int64]) -> Dataset:
        """The same dataset with only the pictures at `indices`, in that order."""
        return replace(
            self,
            pictures=self.pictures.take(indices),
            labels=self.labels[indices],
            names=tuple(self.names[i] for i in indices),
            groups=None if self.groups is None else self.groups[indices],
            official_test=None if self.official_test is None else self.official_test[indices],
        )

    def fingerprint(self) -> str:
        """SHA-256 over pixels, sizes, labels, classes, groups and the test part, in hex.

        Two sources with the same fingerprint train the same models.
        """
        digest = hashlib.sha256()
        for text in (*self.classes, "", *self.group_names):
            digest.update(text.encode() + b"\0")
        for array in (self.pictures.shapes, self.labels, self.groups, self.official_test):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        for picture in self.pictures:
            digest.update(np.ascontiguousarray(picture).data)
        return digest.hexdigest()
