"""What every reader ends in: pictures, labels, class names, groups, an official test part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pictures import Pictures
from bakeoff.errors import LeftOut

__all__ = ["UNLABELLED", "Dataset"]

UNLABELLED = -1


@dataclass(frozen=True, eq=False)
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
    left_out : what was found but not used, and why.
    description : one line saying what the source was taken for.
    """

    name: str
    pictures: Pictures
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()
    official_test: NDArray[np.bool_] | None = None
    left_out: tuple[LeftOut, ...] = field(default=(), repr=False)
    description: str = ""

    def __len__(self) -> int:
        return len(self.pictures)

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
