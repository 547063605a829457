"""HDF5: arrays of pictures and labels, such as Kaggle's usps.h5."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.planes import SAMPLE
from bakeoff.data.readers.arrays import BATCH_BYTES, Array
from bakeoff.data.readers.npz import plain_name, read_arrays
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.data.readers.reader import Reader
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_hdf5"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_LIMITS = ArrayLimits()
_DEPTH = 3
_MEMBERS = 1000


def read_hdf5(path: Path, *, limits: ArrayLimits = _LIMITS) -> Dataset:
    """Read pictures and labels from the datasets of a file, called as in an npz.

    Groups count as a part of the name: train/data and train/target are one part.

    Parameters
    ----------
    path : the file.
    limits : bounds on the arrays, checked before anything is unpacked.

    Raises
    ------
    BakeoffError
        h5py is not installed, the file is damaged, or its arrays do not match.
    """
    try:
        import h5py
    except ImportError as error:
        raise BakeoffError(
            path.name,
            "reading HDF5 needs h5py, which is not installed",
            "Install it: pip install 'bakeoff[h5]'",
        ) from error
    try:
        with h5py.File(path, "r") as file:
            arrays = dict(_arrays(h5py, file, path, limits))
            named = {n[0]: a for name, a in arrays.items() if (n := plain_name(name))}
            if not named:
                raise BakeoffError(
                    path.name,
                    f"none of its datasets is called images: {', '.join(list(arrays)[:10])}",
                    "Name them images and labels, or train/data and train/target",
                )
            return read_arrays(named, path, "HDF5", limits)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BakeoffError(
            path.name, f"it is not an HDF5 file, or damaged ({error})", "Copy or download it again"
        ) from error


def _arrays(
    h5py: Any, group: Any, path: Path, limits: ArrayLimits, prefix: str = "", depth: int = _DEPTH
) -> Iterator[tuple[str, _Dataset]]:
    """The datasets of a file by their paths.

    Links to other files, and datasets whose values are in other files, are not followed: a file
    could name any file of this machine.
    """
    for name in list(group)[:_MEMBERS]:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        inside = group[name]
        if isinstance(inside, h5py.Group) and depth:
            yield from _arrays(h5py, inside, path, limits, f"{prefix}{name}/", depth - 1)
        elif isinstance(inside, h5py.Dataset) and _is_within(inside):
            yield f"{prefix}{name}", _Dataset(inside, f"{path.name}, {prefix}{name}", limits)


def _is_within(inside: Any) -> bool:
    """Whether a dataset holds its values itself, and these are numbers."""
    outside = inside.is_virtual or inside.external
    return not outside and inside.dtype.kind in "buif" and bool(inside.shape)


class _Dataset(Array):
    """One dataset of a file, as an `Array`."""

    def __init__(self, inside: Any, subject: str, limits: ArrayLimits) -> None:
        self._inside = inside
        self.subject = subject
        self.shape: tuple[int, ...] = inside.shape
        self.dtype: np.dtype[np.generic] = inside.dtype
        if prod(self.shape) * self.dtype.itemsize > limits.max_bytes:
            raise BakeoffError(
                subject, "it unpacks to more bytes than can be read", "Make a smaller set of it"
            )

    def load(self) -> NDArray[np.generic]:
        """All of it."""
        return np.asarray(self._inside[()])

    def sample(self) -> NDArray[np.generic]:
        """The first rows, each as one dimension."""
        rows = np.asarray(self._inside[:SAMPLE])
        return np.nan_to_num(rows.reshape(len(rows), -1).astype(np.float32))

    def batches(self) -> Iterator[NDArray[np.generic]]:
        """Yield the array some rows at a time, in order."""
        row_bytes = prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, BATCH_BYTES // max(1, row_bytes))
        for start in range(0, self.shape[0], step):
            yield np.asarray(self._inside[start : start + step])


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


READER = Reader("hdf5", "an HDF5 file", _is_hdf5, lambda path, _: read_hdf5(path))
