"""Many pictures of any size in one flat buffer, in memory or on disk."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, overload

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.looks import Looks, looks_of
from bakeoff.said import say

__all__ = ["PictureWriter", "Pictures"]


class Pictures(Sequence[NDArray[np.uint8]]):
    """N pictures, each H×W×C of uint8 with C = 1 (grey) or 3 (RGB); sizes may differ.

    Indexing gives one picture without a copy, `take` a view on some of them.

    Parameters
    ----------
    buffer : all pixels end to end, uint8, often a memory map.
    offsets : N, where each picture starts in `buffer`.
    shapes : N×3, height, width and channels of each.
    """

    def __init__(
        self, buffer: NDArray[np.uint8], offsets: NDArray[np.int64], shapes: NDArray[np.int32]
    ) -> None:
        self.buffer = buffer
        self.offsets = offsets
        self.shapes = shapes

    @classmethod
    def from_array(cls, array: NDArray[np.uint8]) -> Pictures:
        """Pictures that share memory with one N×H×W or N×H×W×C array of uint8."""
        if array.ndim == 3:
            array = array[..., None]
        count, *shape = array.shape
        size = math.prod(shape)
        return cls(
            np.ascontiguousarray(array).reshape(-1),
            np.arange(count, dtype=np.int64) * size,
            np.full((count, len(shape)), shape, dtype=np.int32),
        )

    @classmethod
    def collected(cls, pictures: Iterable[NDArray[np.uint8]]) -> Pictures:
        """Copies of H×W×C pictures, in order, in a file of the temporary folder."""
        writer = PictureWriter()
        try:
            for picture in pictures:
                writer.append(picture)
        finally:
            collected = writer.finish()  # also after an interruption, so that the file is deleted
        return collected

    @classmethod
    def none(cls) -> Pictures:
        """No pictures."""
        return cls.from_array(np.empty((0, 1, 1, 1), dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> Pictures: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint8] | Pictures:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        height, width, channels = (int(side) for side in self.shapes[index])
        start = int(self.offsets[index])
        return self.buffer[start : start + height * width * channels].reshape(
            height, width, channels
        )

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """The pictures at `indices`, sharing the same buffer."""
        return Pictures(self.buffer, self.offsets[indices], self.shapes[indices])

    def only(self, indices: NDArray[np.int64]) -> Pictures:
        """N pictures in a new buffer; pictures that are not at `indices` have no pixels left."""
        shapes = np.zeros_like(self.shapes)
        shapes[indices] = self.shapes[indices]
        sizes = shapes.astype(np.int64).prod(axis=1)
        ends = np.cumsum(sizes)
        buffer = np.empty(int(sizes.sum()), dtype=np.uint8)
        for index in indices:
            buffer[ends[index] - sizes[index] : ends[index]] = self[int(index)].reshape(-1)
        return Pictures(buffer, ends - sizes, shapes)

    def with_more(self, more: Pictures) -> Pictures:
        """These pictures, then `more`, in a buffer of their own."""
        return Pictures.collected(chain(self, more))

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Yield (indices, n×H×W×C) with n ≤ `size`, pictures of one shape together."""
        if (self.shapes == self.shapes[:1]).all():  # nothing to sort, as for a single picture
            for start in range(0, len(self), size):
                indices = np.arange(start, min(start + size, len(self)))
                yield indices, np.stack([self[int(i)] for i in indices])
            return
        _, group = np.unique(self.shapes, axis=0, return_inverse=True)
        order = np.argsort(group, kind="stable").astype(np.int64)
        edges = np.flatnonzero(np.diff(group[order])) + 1
        for same in np.split(order, edges):
            for start in range(0, len(same), size):
                indices = same[start : start + size]
                yield indices, np.stack([self[int(i)] for i in indices])

    @property
    def channels(self) -> int:
        """3 if any picture has colour, else 1."""
        return int(self.shapes[:, 2].max()) if len(self) else 1

    @cached_property
    def looks(self) -> Looks:
        """Drawings or photos, judged from a sample and computed once; see `looks_of`."""
        return looks_of(self, self.shapes)

    @property
    def sizes(self) -> str:
        """Width × height: "28×28", or "many sizes, 8×8 to 96×64", with a message."""
        heights, widths = self.shapes[:, 0], self.shapes[:, 1]
        sizes = np.unique(np.stack([widths, heights], axis=1), axis=0)
        if len(sizes) == 1:
            return "{}×{}".format(*sizes[0])
        by_area = sizes[np.argsort(sizes.astype(np.int64).prod(axis=1), kind="stable")]
        least, most = ("{}×{}".format(*by_area[at]) for at in (0, -1))
        return say("set.manySizes", least=least, most=most)

    @property
    def nbytes(self) -> int:
        """Bytes of pixels, in memory or on disk."""
        return int(self.shapes.astype(np.int64).prod(axis=1).sum())


class PictureWriter:
    """Collects pictures one by one in a file of the temporary folder.

    The file is deleted when the last `Pictures` made from it is gone, so that
    ten thousand decoded photos cost disk, not memory.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bakeoff-"))
        self._file: IO[bytes] = (self._folder / "pixels").open("wb")
        self._shapes: list[tuple[int, int, int]] = []
        # A reader that stops half-way leaves no file behind.
        self._cleanup = weakref.finalize(self, _discard, self._file, self._folder)

    def append(self, picture: NDArray[np.uint8]) -> None:
        """Add one H×W×C picture of uint8."""
        height, width, channels = picture.shape
        self._file.write(np.ascontiguousarray(picture).data)
        self._shapes.append((height, width, channels))

    def __len__(self) -> int:
        return len(self._shapes)

    def finish(self) -> Pictures:
        """Close the file and return its pictures, in order."""
        self._file.close()
        shapes = np.asarray(self._shapes, dtype=np.int32).reshape(-1, 3)
        sizes = shapes.astype(np.int64).prod(axis=1)
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)[: len(sizes)]
        buffer: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        if sizes.sum():
            buffer = np.memmap(self._folder / "pixels", dtype=np.uint8, mode="r")
        self._cleanup.detach()
        weakref.finalize(buffer, shutil.rmtree, self._folder, ignore_errors=True)
        return Pictures(buffer, offsets, shapes)


def _discard(file: IO[bytes], folder: Path) -> None:
    file.close()
    shutil.rmtree(folder, ignore_errors=True)
