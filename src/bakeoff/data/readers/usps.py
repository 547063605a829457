"""USPS digits in libsvm's text format, packed with bzip2."""

from __future__ import annotations

import bz2
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.pixels import PixelRange
from bakeoff.data.readers.parts import ArrayLimits, Part, join
from bakeoff.errors import BakeoffError

__all__ = ["read_usps"]

_SIDE = 16
_PIXELS = _SIDE * _SIDE
_MAX_TEXT = 200_000_000
_INK = PixelRange(-1, 1)


def read_usps(folder: Path) -> Dataset:
    """Read ``usps.bz2`` (training) and ``usps.t.bz2`` (test).

    Each line is a label of 1 to 10 for the digits 0 to 9, then 256 times
    ``place:value`` with values of -1 (paper) to 1 (ink).

    Raises
    ------
    BakeoffError
        A line is not of this form.
    """
    parts: list[Part] = []
    labels: list[NDArray[np.int64]] = []
    for part, name in (("train", "usps.bz2"), ("test", "usps.t.bz2")):
        pictures, digits = _read(folder / name)
        parts.append(Part(part, len(pictures), (_SIDE, _SIDE, 1), partial(_fill, pictures)))
        labels.append(digits)
    dataset = join("usps", parts, "usps", ArrayLimits())
    classes = tuple(str(digit) for digit in range(10))
    return replace(dataset, labels=np.concatenate(labels), classes=classes, description="libsvm")


def _fill(pictures: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    out[...] = pictures


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """N×16×16×1 pictures and N digits."""
    pictures: list[NDArray[np.uint8]] = []
    digits: list[int] = []
    for number, line in enumerate(_lines(path), 1):
        try:
            label, rest = line.split(" ", 1)
            fields = [field.split(":") for field in rest.split()]
            places = [int(place) for place, _ in fields]
            values = np.asarray([float(value) for _, value in fields], dtype=np.float32)
            digit = int(label) - 1
        except ValueError as error:
            raise _bad_line(path, number) from error
        if (
            places != list(range(1, _PIXELS + 1))
            or not 0 <= digit <= 9
            or not (np.abs(values) <= 1).all()
        ):
            raise _bad_line(path, number)
        pictures.append(_INK.to_bytes(values, np.float32).reshape(_SIDE, _SIDE, 1))
        digits.append(digit)
    if not digits:
        raise BakeoffError(path.name, "it is empty", "Fetch it again")
    return np.stack(pictures), np.asarray(digits, dtype=np.int64)


def _lines(path: Path) -> list[str]:
    try:
        with bz2.open(path, "rb") as stream:
            data = stream.read(_MAX_TEXT + 1)
        if len(data) > _MAX_TEXT:
            raise BakeoffError(path.name, "it is far too long", "Fetch it again")
        return data.decode("ascii").splitlines()
    except (OSError, EOFError, ValueError) as error:
        raise BakeoffError(path.name, f"it is damaged ({error})", "Fetch it again") from error


def _bad_line(path: Path, number: int) -> BakeoffError:
    return BakeoffError(
        f"{path.name} line {number}",
        "it is not a label and 256 numbers of -1 to 1",
        "Fetch it again",
    )
