"""Join several blocks of pictures into one dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.splits import SPLITS
from bakeoff.errors import BakeoffError

__all__ = ["ArrayLimits", "Part", "join"]


@dataclass(frozen=True, slots=True)
class ArrayLimits:
    """Bounds on a set of arrays.

    Attributes
    ----------
    max_bytes : of the pixels and of any one array, after unpacking; they are held in memory.
    max_pictures : in the whole set.
    max_side : of one picture, in pixels.
    """

    max_bytes: int = 4_000_000_000
    max_pictures: int = 5_000_000
    max_side: int = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A block of pictures of one shape, not yet read.

    Attributes
    ----------
    name : one of `SPLITS`; the part "test", or "eval", is the set's own test part.
    count : how many.
    shape : height, width and channels of each.
    fill : writes the pixels into a given count×height×width×channels array.
    """

    name: str
    count: int
    shape: tuple[int, int, int]
    fill: Callable[[NDArray[np.uint8]], None]


def join(name: str, parts: Sequence[Part], subject: str, limits: ArrayLimits) -> Dataset:
    """Read all parts into one buffer, so that their pixels are in memory only once.

    Parameters
    ----------
    name : of the dataset.
    parts : at least one; their pictures keep this order.
    subject : the name of the source in errors.
    limits : checked before memory is allocated.

    Returns
    -------
    A dataset without labels, which the caller adds.

    Raises
    ------
    BakeoffError
        There are no pictures, or more or larger ones than `limits` allow.
    """
    counts = [part.count for part in parts]
    sizes = [part.count * int(np.prod(part.shape, dtype=object)) for part in parts]
    sides = [side for part in parts for side in part.shape]
    if not sum(counts) or not min(sides):
        raise BakeoffError(subject, "it holds no pictures", "Save the set again")
    if (
        sum(sizes) > limits.max_bytes
        or sum(counts) > limits.max_pictures
        or max(sides) > limits.max_side
    ):
        height, width, channels = parts[0].shape
        raise BakeoffError(
            subject,
            f"its header announces {sum(counts)} pictures of {height}×{width}×{channels}, "
            "more than can be read",
            "Check the file, or make a smaller set of it",
        )
    buffer = np.empty(sum(sizes), dtype=np.uint8)
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        part.fill(buffer[start : start + size].reshape(part.count, *part.shape))
        start += size
    shapes = np.repeat(np.asarray([p.shape for p in parts], dtype=np.int32), counts, axis=0)
    each = shapes.astype(np.int64).prod(axis=1)
    test = np.repeat([SPLITS[part.name] == "test" for part in parts], counts)
    return Dataset(
        name=name,
        pictures=Pictures(buffer, np.cumsum(each) - each, shapes),
        labels=np.full(sum(counts), -1, dtype=np.int64),
        classes=(),
        names=tuple(f"{part.name}/{i:05d}" for part in parts for i in range(part.count)),
        # If all pictures are of the test part, it is simply the set.
        official_test=test if test.any() and not test.all() else None,
    )
