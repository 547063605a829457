"""Arrays in NumPy's format: in an npz, or in files of their own."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bakeoff.data.planes import SAMPLE
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.errors import BakeoffError

__all__ = ["AGAIN", "Array", "arrays_of_file", "damage_reported"]

AGAIN = "Copy, download or save it again"
BATCH_BYTES = 1 << 22


class Array:
    """One array in NumPy's format. Its header is read at once, its values on demand.

    Parameters
    ----------
    open_again : opens its bytes; called for each reading.
    size : of these bytes.
    subject : its name in errors.
    limits : bounds, checked before any value is read.

    Raises
    ------
    BakeoffError
        It is too large, holds pickled objects, or its header does not fit its size.
    """

    def __init__(
        self, open_again: Callable[[], IO[bytes]], size: int, subject: str, limits: ArrayLimits
    ) -> None:
        self._open = open_again
        self.subject = subject
        if size > limits.max_bytes:
            raise BakeoffError(
                self.subject,
                f"it unpacks to {size} bytes, more than can be read",
                "Make a smaller set of it",
            )
        with open_again() as stream:
            version = npy.read_magic(stream)
            read_header = {
                (1, 0): npy.read_array_header_1_0,
                (2, 0): npy.read_array_header_2_0,
            }[version]
            self.shape, self._fortran, self.dtype = read_header(stream)
            self._start = stream.tell()
        if self.dtype.hasobject:
            raise BakeoffError(
                self.subject,
                "it holds Python objects (a pickle), which can run any code when opened",
                "Save it as an array of numbers or of texts",
            )
        if min(self.shape, default=0) < 0 or (
            self._start + prod(self.shape) * self.dtype.itemsize != size
        ):
            raise BakeoffError(self.subject, "its header does not fit its size", AGAIN)

    def load(self) -> NDArray[np.generic]:
        """All of it."""
        with self._open() as stream:
            data = stream.read()[self._start :]
        order: Literal["F", "C"] = "F" if self._fortran else "C"
        return np.frombuffer(data, dtype=self.dtype).reshape(self.shape, order=order)

    def sample(self) -> NDArray[np.generic]:
        """The first rows, each as one dimension."""
        rows = next(self.batches(), np.zeros((0, *self.shape[1:])))[:SAMPLE]
        return np.nan_to_num(rows.reshape(len(rows), -1).astype(np.float32))

    def batches(self) -> Iterator[NDArray[np.generic]]:
        """Yield the array some rows at a time, in order."""
        count, *rest = self.shape
        if self._fortran:
            yield self.load()  # its rows are interleaved in the file
            return
        row_bytes = prod(rest) * self.dtype.itemsize
        step = max(1, BATCH_BYTES // max(1, row_bytes))
        with self._open() as stream:
            stream.read(self._start)
            for start in range(0, count, step):
                rows = min(step, count - start)
                data = stream.read(rows * row_bytes)
                yield np.frombuffer(data, dtype=self.dtype).reshape(rows, *rest)


def arrays_of_file(path: Path, limits: ArrayLimits, opened: ExitStack) -> dict[str, Array]:
    """The arrays of an npz by their names, or the one of an npy, called like the file.

    Parameters
    ----------
    path : the file.
    limits : bounds on each array.
    opened : keeps the file open.

    Raises
    ------
    BakeoffError
        It is damaged, or as for `Array`.
    """
    with damage_reported(path):
        if path.suffix.lower() == ".npy":
            return {
                path.stem: Array(lambda: path.open("rb"), path.stat().st_size, path.name, limits)
            }
        archive = opened.enter_context(zipfile.ZipFile(path))
        members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
        return {
            name: Array(
                partial(archive.open, member),
                member.file_size,
                f"{path.name}, array '{name}'",
                limits,
            )
            for member in members
            if (name := member.filename.removesuffix(".npy"))
        }


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Raise every error of a damaged zip or header as a `BakeoffError`."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        RuntimeError,  # NotImplementedError too: an encrypted zip, an unknown packing
    ) as error:
        raise BakeoffError(
            path.name, f"it is not an npz, or damaged or cut short ({error})", AGAIN
        ) from error
