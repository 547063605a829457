"""npz: NumPy's arrays in a zip, with the key names of Keras, MedMNIST and others."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from math import isqrt, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.grouping import encode_names
from bakeoff.data.pixels import SMALLEST_COLOUR, PixelRange, picture_shape
from bakeoff.data.planes import are_planes, from_planes
from bakeoff.data.readers.arrays import Array, arrays_of_file, damage_reported
from bakeoff.data.readers.parts import ArrayLimits, Part, join
from bakeoff.data.readers.reader import Reader
from bakeoff.data.readers.splits import SPLITS
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "plain_name", "read_arrays", "read_npz"]

_LIMITS = ArrayLimits()
_RESCALE = "Scale the pixels to 0–255 or to 0–1"

_IMAGES = ("images", "x", "data", "pictures", "imgs")
_LABELS = ("labels", "y", "target", "targets", "label")
_GROUPS = ("groups", "group")
_CLASSES = ("classes", "class_names", "target_names")
_KINDS = {"images": _IMAGES, "labels": _LABELS, "groups": _GROUPS}
_IGNORED = ("set", "orig")  # as in train_set_x_orig


def read_npz(path: Path, *, limits: ArrayLimits = _LIMITS) -> Dataset:
    """Read pictures and labels from an npz.

    Keys are ``images`` and ``labels`` (or ``x`` and ``y``, ``data`` and ``target``), or one
    such pair for each part: ``x_train``, ``y_train``, ``x_dev``, ``y_dev``, or
    ``test_images`` and so on, with any name of `SPLITS`. ``classes`` names the classes,
    ``groups`` (or ``groups_train``, …) the group of each picture. Arrays with other names are
    listed as left out. Pictures are N×H×W, N×H×W×C, N×C×H×W or flat, with or without further
    dimensions of one, of bytes, of 16-bit numbers, or of any numbers of 0–1 or 0–255. Flat
    pictures in colour may be planes, see `are_planes`. Labels are numbers, texts, N×1 or
    one-hot; -1 is no label.

    Parameters
    ----------
    path : the file.
    limits : bounds on the arrays, checked before anything is unpacked.

    Raises
    ------
    BakeoffError
        It is damaged, holds pickled objects, or its arrays do not match.
    """
    with ExitStack() as opened, damage_reported(path):
        return read_arrays(arrays_of_file(path, limits, opened), path, "npz", limits)


def read_arrays(
    arrays: Mapping[str, Array], path: Path, description: str, limits: ArrayLimits = _LIMITS
) -> Dataset:
    """Read pictures and labels from arrays with the names that `read_npz` describes.

    Parameters
    ----------
    arrays : by name; whatever they are in must be open.
    path : the file or folder that they are from.
    description : the layout, in words.
    limits : bounds on all of them.

    Raises
    ------
    BakeoffError
        They do not match.
    """
    suites = _suites(arrays, path)
    ranges = [_Ranges.of(suite.images) for suite in suites]
    pixels = _range([suite.images for suite in suites], ranges)
    parts = [
        Part(
            suite.part,
            suite.images.shape[0],
            suite.layout.shape,
            partial(_fill, suite, seen.fine, pixels),
        )
        for suite, seen in zip(suites, ranges, strict=True)
    ]
    dataset = join(path.stem, parts, path.name, limits)
    targets = [_targets(suite) for suite in suites]
    classes = _named(arrays, _CLASSES)
    unused = _unused(arrays, suites, classes)
    names = None if classes is None else _texts(classes, classes.load())
    groups = _groups(suites)
    labels, names, outside = _number_labels(targets, names)
    fine = np.concatenate([seen.fine for seen in ranges])
    places = [f"{path.name} {name}" for name in dataset.names]
    left_out = _left_out(places, fine, outside, len(names))
    fine[list(outside)] = False
    group_numbers, group_names = encode_names(groups)
    dataset = replace(
        dataset,
        labels=labels,
        classes=tuple(names),
        groups=group_numbers if group_names else None,
        group_names=group_names,
        left_out=left_out + unused,
        description=description,
    )
    return dataset if fine.all() else dataset.take(np.flatnonzero(fine))


def _groups(suites: Sequence[_Suite]) -> list[str]:
    """The group of each picture, or none at all."""
    arrays = [suite.groups for suite in suites if suite.groups is not None]
    texts = [text for array in arrays for text in _texts(array, array.load())]
    if len(arrays) not in (0, len(suites)):
        raise BakeoffError(arrays[0].subject, "another part has no groups", "Add groups to it")
    return texts


def _left_out(
    places: Sequence[str], fine: NDArray[np.bool_], outside: dict[int, str], classes: int
) -> tuple[LeftOut, ...]:
    """Pictures with other numbers than pixels, and then pictures with unknown labels."""
    problem = "it holds numbers that are not pixels"
    left_out = [LeftOut(places[row], problem, _RESCALE) for row in np.flatnonzero(~fine).tolist()]
    for row, label in outside.items():
        problem = f"its label {label} is not one of the {classes} classes"
        hint = "Correct the label, or add the class to the array 'classes'"
        left_out.append(LeftOut(places[row], problem, hint))
    return tuple(left_out)


@dataclass(frozen=True, slots=True)
class _Suite:
    """The arrays of one part, and how its pictures lie in theirs."""

    part: str
    layout: _Layout
    images: Array
    labels: Array | None
    groups: Array | None


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The highest number in the pictures, and a mask of the pictures that hold only pixels."""

    highest: float
    fine: NDArray[np.bool_]

    @classmethod
    def of(cls, images: Array) -> _Ranges:
        highest, fine = 0.0, [np.zeros(0, dtype=np.bool_)]
        for batch in images.batches():
            flat = batch.reshape(len(batch), -1)
            low, high = flat.min(axis=1, initial=0), flat.max(axis=1, initial=0)
            fine.append((low >= 0) & np.isfinite(high))  # both are false for NaN
            highest = max(highest, float(high[fine[-1]].max(initial=0)))
        return cls(highest, np.concatenate(fine))


def _suites(arrays: Mapping[str, Array], path: Path) -> list[_Suite]:
    """Find the arrays of each part by their names."""
    roles: dict[tuple[str, str], Array] = {}
    for name in sorted(arrays, key=_precedence):
        if role := _role(name):
            roles.setdefault(role, arrays[name])
    suites = []
    for word in ("", *SPLITS):
        images = roles.get(("images", word))
        if images is None:
            continue
        if images.dtype.kind not in "buif":
            raise BakeoffError(images.subject, "it does not hold numbers", "Save pixels as numbers")
        layout = _layout(images)
        labels, groups = roles.get(("labels", word)), roles.get(("groups", word))
        suite = _Suite(word or "train", layout, images, labels, groups)
        count = images.shape[0]
        for other in (suite.labels, suite.groups):
            if other is not None and other.shape[:1] != (count,):
                raise BakeoffError(
                    other.subject,
                    f"it is of shape {other.shape}, but there are {count} pictures",
                    "Save one row for each picture",
                )
        suites.append(suite)
    if not suites:
        raise BakeoffError(
            path.name,
            f"none of its arrays is called images: {', '.join(list(arrays)[:10]) or 'it has none'}",
            "Name them images and labels, or x_train, y_train, x_test and y_test",
        )
    return suites


def _role(name: str) -> tuple[str, str] | None:
    """What an array holds, and of which part ("" for all): x_train, TestLabels, imagesDev."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    rest = [word.lower() for word in words if word.lower() not in _IGNORED]
    splits = [word for word in rest if word in SPLITS]
    kinds = [kind for word in rest for kind, known in _KINDS.items() if word in known]
    if len(kinds) != 1 or len(splits) > 1 or len(rest) != 1 + len(splits):
        return None
    return kinds[0], splits[0] if splits else ""


def plain_name(name: str) -> tuple[str, str] | None:
    """The name of an array within that of a file, and the rest, which is the name of the set.

    "kmnist-train-imgs" is ("train imgs", "kmnist"), and "X_test" is ("X test", ""). None if no
    word says what it holds.
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    kinds = {word for known in _KINDS.values() for word in known}
    known = [word for word in words if word.lower() in (*kinds, *SPLITS)]
    if _role(" ".join(known)) is None:
        return None
    rest = [word.lower() for word in words if word not in known and word.lower() not in _IGNORED]
    return " ".join(known), " ".join(rest)


def _precedence(name: str) -> int:
    """The place of the word for pictures, labels or groups in its table."""
    words = re.findall(r"[a-z]+", name.lower())
    known = [names.index(word) for names in _KINDS.values() for word in words if word in names]
    return min(known, default=0)


def _named(arrays: Mapping[str, Array], names: Sequence[str]) -> Array | None:
    lower = {name.lower(): array for name, array in arrays.items()}
    return next((lower[name] for name in names if name in lower), None)


def _unused(
    arrays: Mapping[str, Array], suites: Sequence[_Suite], classes: Array | None
) -> tuple[LeftOut, ...]:
    """Arrays whose names say nothing that is known."""
    used = [classes, *(x for suite in suites for x in (suite.images, suite.labels, suite.groups))]
    problem = "its name does not say what it holds, and of which part"
    hint = f"Name it x or y with one of {', '.join(SPLITS)}, such as x_val"
    return tuple(
        LeftOut(array.subject, problem, hint) for array in arrays.values() if array not in used
    )


def _range(images: Sequence[Array], ranges: Sequence[_Ranges]) -> PixelRange:
    """The range of the pixels, the same for all parts."""
    fine = np.concatenate([seen.fine for seen in ranges])
    if fine.size and 2 * fine.sum() < fine.size:
        raise BakeoffError(
            images[0].subject, "most pictures hold negative numbers or NaN", _RESCALE
        )
    highest = max(seen.highest for seen in ranges)
    pixels = PixelRange.by_convention(0, highest)
    # Sixteen bits are whole numbers; floats beyond 255 are some other unit.
    if pixels is None or (highest > 255 and any(array.dtype.kind == "f" for array in images)):
        raise BakeoffError(images[0].subject, f"it holds numbers up to {highest:g}", _RESCALE)
    return pixels


@dataclass(frozen=True, slots=True)
class _Layout:
    """Height, width and channels of each picture, and whether the channels come before the rows."""

    shape: tuple[int, int, int]
    planes: bool = False


def _layout(images: Array) -> _Layout:
    sides = images.shape[1:]
    # A row of pixels, as N×784, N×784×1 or N×1×784: no picture is one pixel high.
    is_row = len(sides) > 0 and sum(side != 1 for side in sides) <= 1
    if is_row and (shape := picture_shape(prod(sides))):
        return _Layout(shape, are_planes(images.sample(), shape))
    match sides:
        case (3, flat) if square := _square(flat):
            return _Layout((*square, 3), planes=True)
        case (flat, 3) if square := _square(flat):
            return _Layout((*square, 3))
        case (height, width):
            return _Layout((height, width, 1))
        case (height, width, 1 | 3 as channels):
            return _Layout((height, width, channels))
        case (1 | 3 as channels, height, width):
            return _Layout((height, width, channels), planes=True)
    raise BakeoffError(
        images.subject,
        f"its shape {images.shape} is not that of pictures",
        "Save N×H×W, or N×H×W×C with 1 or 3 channels",
    )


def _square(flat: int) -> tuple[int, int] | None:
    """The sides of a square of pixels whose colours are in a dimension of their own."""
    side = isqrt(flat)
    return (side, side) if side * side == flat and side >= SMALLEST_COLOUR else None


def _fill(
    suite: _Suite, fine: NDArray[np.bool_], scale: PixelRange, out: NDArray[np.uint8]
) -> None:
    start = 0
    for batch in suite.images.batches():
        rows = slice(start, start + len(batch))
        values = from_planes(batch, suite.layout.shape) if suite.layout.planes else batch
        pixels = values.reshape(-1, *out.shape[1:]).astype(np.float32)
        pixels[~fine[rows]] = 0  # pictures that are left out may hold NaN
        out[rows] = scale.to_bytes(pixels, np.float32)
        start = rows.stop


def _targets(suite: _Suite) -> NDArray[np.int64] | list[str]:
    """One number or text for each picture of a part; -1 and "" are no label."""
    if suite.labels is None:
        return np.full(suite.images.shape[0], UNLABELLED, dtype=np.int64)
    values = suite.labels.load()
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype.kind in "US" and values.ndim == 1:
        return _texts(suite.labels, values)
    if values.dtype.kind in "buif":
        if values.ndim == 2 and _is_one_hot(values):
            return np.nonzero(values)[1].astype(np.int64)
        numbers = values.astype(np.int64) if np.isfinite(values).all() else None
        if values.ndim == 1 and numbers is not None and (numbers == values).all():
            return numbers
    if (
        values.ndim == 2
        and ((values == 0) | (values == 1)).all()
        and values.any(axis=None)
        and (int(values.astype(np.int64).sum(axis=1).max()) > 1)
    ):
        raise BakeoffError(
            suite.labels.subject,
            f"it gives a picture several of {values.shape[1]} classes, or none: bakeoff gives each "
            "picture one (multi-label sets are not supported)",
            "Keep one class for each picture",
        )
    raise BakeoffError(
        suite.labels.subject,
        f"its {values.dtype} of shape {values.shape} are not labels",
        "Save one whole number or text for each picture, or one-hot rows",
    )


def _is_one_hot(values: NDArray[np.generic]) -> bool:
    ones = values == 1
    return bool(((values == 0) | ones).all() and (ones.sum(axis=1) == 1).all())


def _texts(array: Array, values: NDArray[np.generic]) -> list[str]:
    if values.ndim != 1 or values.dtype.kind not in "biuUS":
        raise BakeoffError(
            array.subject, "it is not a list of names", "Save one text or number for each"
        )
    if values.dtype.kind == "S":
        return [nfc(value.decode("utf-8", errors="replace")) for value in values.tolist()]
    return [nfc(str(value)) for value in values.tolist()]


def _number_labels(
    targets: Sequence[NDArray[np.int64] | list[str]], names: list[str] | None
) -> tuple[NDArray[np.int64], list[str], dict[int, str]]:
    """Labels, class names, and the labels that are not among the classes, by row."""
    labels: list[int] = []
    outside: dict[int, str] = {}
    if names is None:
        targets = [part if isinstance(part, list) else _as_texts(part) for part in targets]
        names = list(encode_names(text for part in targets for text in part if text)[1])
    place = {"": UNLABELLED} | {name: index for index, name in enumerate(names)}
    for part in targets:
        for target in part if isinstance(part, list) else part.tolist():
            label = place.get(target) if isinstance(target, str) else target
            if label is None or not UNLABELLED <= label < len(names):
                outside[len(labels)] = str(target)
                label = UNLABELLED
            labels.append(label)
    return np.asarray(labels, dtype=np.int64), names, outside


def _as_texts(numbers: NDArray[np.int64]) -> list[str]:
    return ["" if number == UNLABELLED else str(number) for number in numbers.tolist()]


READER = Reader("npz", "an npz file", zipfile.is_zipfile, lambda path, _: read_npz(path))
