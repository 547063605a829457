"""IDX: the four files of MNIST and of the many sets in its format.

The format, from Yann LeCun's page of MNIST: two zero bytes, a type, the number of
dimensions, each dimension as a big-endian 32-bit number, then the values. 2051 is
the magic number of N×H×W bytes, 2049 that of N bytes. QMNIST's labels are N×8 numbers of 32
bits: digit, series, writer, and more.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.grouping import encode_names
from bakeoff.data.readers.class_names import SIDEWAYS, is_sideways, with_class_names
from bakeoff.data.readers.lines import open_unpacked
from bakeoff.data.readers.parts import ArrayLimits, Part, join
from bakeoff.data.readers.reader import Reader
from bakeoff.data.readers.splits import SPLITS
from bakeoff.errors import BakeoffError

__all__ = ["READER", "has_idx", "looks_like_idx", "read_idx"]

_LIMITS = ArrayLimits()
_UBYTE = 0x08
_WHOLE = {_UBYTE: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4"}  # types of labels
_KINDS = {1: "labels", 2: "labels", 3: "pictures", 4: "pictures"}
# The columns of QMNIST's labels (Yadav and Bottou, "Cold case: the lost MNIST digits", 2019).
_QMNIST, _DIGIT, _WRITER = 8, 0, 2
_ORDER = ("train", "val", "test")
_PARTS = {"t10k": "test", **SPLITS}
_PART = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)))
_PIECE = 1 << 20
# The highest ratio of deflate: a header that promises more than a packed file can hold is
# refused before memory is allocated for it.
_MOST_DEFLATE = 1032
_AGAIN = "Copy or download it again"
_EXAMPLE = "train-images-idx3-ubyte and train-labels-idx1-ubyte"


def looks_like_idx(path: Path) -> bool:
    """Whether a file, gzipped or not, starts as IDX pictures or labels do."""
    try:
        with open_unpacked(path) as stream:
            head = stream.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    if len(head) < 4 or head[:2] != b"\0\0":
        return False
    kind = _KINDS.get(head[3])
    return kind is not None and (head[2] == _UBYTE or (kind == "labels" and head[2] in _WHOLE))


def has_idx(folder: Path) -> bool:
    """Whether a folder holds IDX pictures, by name and content."""
    return any(
        looks_like_idx(path) for name, path in _idx_files(folder).items() if name.kind == "images"
    )


def read_idx(path: Path, *, limits: ArrayLimits = _LIMITS) -> Dataset:
    """Read a set in IDX files.

    A folder with the four files, or only those for training, is read as one set; the
    files called t10k or test are its official test part. The writers of QMNIST are its groups.
    Names such as
    ``train-images-idx3-ubyte``, ``train-images.idx3-ubyte`` and
    ``emnist-letters-train-images-idx3-ubyte.gz`` are understood. EMNIST's pictures are
    stored column by column, and are transposed here.

    Parameters
    ----------
    path : the folder, or one file of pictures with its labels beside it.
    limits : bounds on the arrays, checked before memory is allocated.

    Returns
    -------
    A dataset with classes named after the labels in the files, such as '0' to '9'.

    Raises
    ------
    BakeoffError
        A file is damaged, its labels or pictures are missing, or there are several sets.
    """
    pairs = _pairs(path)
    parts: list[Part] = []
    labels: list[_Labels] = []
    for part, images, targets in pairs:
        labels.append(_Labels.of(targets, limits))
        expected = len(labels[-1].classes)
        shape = _header(images, "pictures", limits, expected).shape
        count, height, width, channels = (*shape, 1)[:4]
        if count != len(labels[-1].classes):
            raise BakeoffError(
                images.name,
                f"it holds {count} pictures, but {targets.name} holds "
                f"{len(labels[-1].classes)} labels",
                "Put the two matching files there",
            )
        if channels not in (1, 3):
            raise BakeoffError(
                images.name, f"its pictures have {channels} channels", "Give 1 (grey) or 3 (RGB)"
            )
        parts.append(Part(part, count, (height, width, channels), partial(_fill, images)))
    name = path.name if path.is_dir() else path.name.split(".")[0]
    dataset = join(name, parts, path.name, limits)
    sideways = all(is_sideways(images.name) for _, images, _ in pairs)
    if sideways:
        for picture in dataset.pictures:
            picture[:] = picture.swapaxes(0, 1).copy()
    numbers, classes = encode_names(str(n) for part in labels for n in part.classes.tolist())
    writers = [part.writers for part in labels if part.writers is not None]
    groups, group_names = encode_names(str(n) for part in writers for n in part.tolist())
    known = len(writers) == len(labels)
    dataset = replace(
        dataset,
        labels=numbers,
        classes=classes,
        groups=groups if known else None,
        group_names=group_names if known else (),
        description=f"IDX ({SIDEWAYS})" if sideways else "IDX",
    )
    return with_class_names(dataset, pairs[0][1])


@dataclass(frozen=True, slots=True)
class _Labels:
    """N class numbers, and the numbers of the writers where there are any."""

    classes: NDArray[np.int64]
    writers: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, path: Path, limits: ArrayLimits) -> _Labels:
        header = _header(path, "labels", limits)
        values = np.empty(header.shape, dtype=header.dtype)
        _fill(path, values)
        numbers = values.astype(np.int64)
        if numbers.ndim == 1:
            return cls(numbers)
        width = numbers.shape[1]
        if width == 1:
            return cls(numbers[:, 0])
        if ((numbers == 0) | (numbers == 1)).all() and (numbers.sum(axis=1) == 1).all():
            return cls(numbers.argmax(axis=1))
        if width == _QMNIST:
            return cls(numbers[:, _DIGIT], numbers[:, _WRITER])
        raise BakeoffError(
            path.name,
            f"it holds {width} numbers for each picture, and none is known to be the class",
            "Save one number for each picture, or one-hot rows",
        )


@dataclass(frozen=True, slots=True)
class _Named:
    """The parts of the name of an IDX file: ``emnist-letters-test-labels-idx1-ubyte``."""

    base: str
    part: str
    kind: str

    @classmethod
    def of(cls, path: Path) -> _Named | None:
        """None for names that are not those of IDX files."""
        name = path.name.lower().removesuffix(".gz")
        word = re.search(r"(image|img|label)s?", name)
        if not word or name.startswith(".") or not re.search(r"idx|ubyte|^[^.]*$", name):
            return None
        rest = name[: word.start()] + name[word.end() :]
        rest = re.sub(r"idx[0-9]?([-_. ]?(ubyte|byte|short|int|float|double))?|ubyte", "", rest)
        rest = re.sub(r"[-_. ]", "", rest)
        part = _PART.search(rest)
        kind = "labels" if word[1] == "label" else "images"
        return cls(_PART.sub("", rest), _PARTS[part[0]] if part else "train", kind)


def _idx_files(folder: Path) -> dict[_Named, Path]:
    """The files of a folder with names of IDX files.

    If a file is there both packed and unpacked, the unpacked one is used.
    """
    paths = sorted(folder.iterdir(), key=lambda path: (path.suffix != ".gz", path.name))
    return {name: path for path in paths if (name := _Named.of(path)) and path.is_file()}


def _pairs(path: Path) -> list[tuple[str, Path, Path]]:
    """The part, the pictures and the labels of each pair of files, training part first."""
    if path.is_dir():
        files = _idx_files(path)
        wanted = sorted(
            (n for n in files if n.kind == "images"), key=lambda n: _ORDER.index(n.part)
        )
    else:
        name = _Named.of(path)
        if name is None:
            raise BakeoffError(
                path.name, "its name says neither images nor labels", f"Rename it as in {_EXAMPLE}"
            )
        files = _idx_files(path.parent) | {name: path}
        wanted = [replace(name, kind="images")]
    if not wanted:
        raise BakeoffError(path.name, "it holds no IDX pictures", f"Name them as in {_EXAMPLE}")
    bases = sorted({name.base for name in wanted})
    if len(bases) > 1:
        raise BakeoffError(
            path.name,
            f"it holds several sets: {', '.join(base or 'one without a name' for base in bases)}",
            "Give each set a folder of its own",
        )
    pairs = []
    for name in wanted:
        images, labels = files.get(name), files.get(replace(name, kind="labels"))
        if images is None or labels is None:
            missing = "labels" if labels is None else "pictures"
            raise BakeoffError(
                (images or path).name, f"the file of its {missing} is missing", "Put it beside it"
            )
        pairs.append((name.part, images, labels))
    return pairs


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, and report damage anywhere in it as a `BakeoffError`."""
    try:
        with open_unpacked(path) as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        raise BakeoffError(path.name, f"it is damaged ({error})", _AGAIN) from error


@dataclass(frozen=True, slots=True)
class _Header:
    """The dimensions and the type of the values."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.integer]


def _header(path: Path, kind: str, limits: ArrayLimits, expected: int | None = None) -> _Header:
    """The header of a file, checked against its size.

    Datumaro 1.13 writes the number of all values where the number of pictures belongs; `expected`
    pictures explain it, and so do three colours, which its header does not mention.
    """
    with _opened(path) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or _KINDS.get(head[3]) != kind:
            raise BakeoffError(path.name, f"it does not start like IDX {kind}", _AGAIN)
        if kind == "pictures" and head[2] != _UBYTE:
            raise BakeoffError(path.name, "its values are not bytes", "Save them as bytes, 0–255")
        if head[2] not in _WHOLE:
            raise BakeoffError(
                path.name, "its values are not whole numbers", "Save labels as bytes or integers"
            )
        dimensions = stream.read(4 * head[3])
        packed = isinstance(stream, gzip.GzipFile)
    if len(dimensions) < 4 * head[3]:
        raise BakeoffError(path.name, "it ends within its header", _AGAIN)
    shape = struct.unpack(f">{head[3]}I", dimensions)
    if expected and len(shape) == 3 and (pixels := shape[1] * shape[2]) > 1:
        for channels in (1, 3):
            if shape[0] == expected * pixels * channels:
                shape = (expected, *shape[1:], channels)
                break
    dtype: np.dtype[np.integer] = np.dtype(_WHOLE[head[2]])
    values = prod(shape) * dtype.itemsize
    promised, present = 4 + len(dimensions) + values, path.stat().st_size
    if (promised > present * _MOST_DEFLATE) if packed else (promised != present):
        raise BakeoffError(
            path.name, f"its header promises {promised} bytes, but it has {present}", _AGAIN
        )
    if values > limits.max_bytes:
        raise BakeoffError(
            path.name, f"it holds {promised} bytes, more than can be read", "Make a smaller set"
        )
    return _Header(shape, dtype)


def _fill(path: Path, out: NDArray[np.integer]) -> None:
    """Fill `out` with the values of a file, which must have exactly as many."""
    flat = out.reshape(-1).view(np.uint8)
    with _opened(path) as stream:
        stream.read(4 * stream.read(4)[3])
        for start in range(0, flat.size, _PIECE):
            target = flat[start : start + _PIECE]
            data = stream.read(target.size)
            if len(data) < target.size:
                raise EOFError("cut short")
            target[:] = np.frombuffer(data, dtype=np.uint8)
        if stream.read(1):
            raise BakeoffError(path.name, "it is longer than its header says", _AGAIN)


READER = Reader(
    "idx",
    "IDX files",
    lambda path: has_idx(path) if path.is_dir() else looks_like_idx(path),
    lambda path, _: read_idx(path),
)
