"""The role of each column in a table of pixels: a pixel, the label, the group, or none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from bakeoff.data.pixels import picture_shape
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = [
    "Columns",
    "columns_of_header",
    "columns_of_numbers",
    "counts_up",
    "few_whole_numbers",
    "has_header",
    "is_id_name",
    "is_number",
    "label_place",
]

_LABEL_NAMES = ("label", "labels", "class", "target", "category", "digit", "letter", "y")
_LABEL_OF = re.compile(
    r"(label|class|target|category|digit|letter)[ _.-]?(name|id|idx|index|code|no)"
)
# Numbers of rows and names of files: as many different values as rows, and nothing to learn.
_ID_NAME = re.compile(
    r"(.*[ _.-])?(id|ids|idx|index|uuid|guid|row|rownames|path)|#|unnamed: ?[0-9]+"
    r"|(image|img|picture|sample|row|file)[ _.-]?(id|name|no|nr|number|file|path)?"
)
_GROUP_NAMES = ("group", "groups")
_PIXEL_NAME = re.compile(r"([a-z]+[ _.-]?)?[0-9]+([x_.-][0-9]+)?")
_ADD_HEADER = "Add a header line: label,pixel0,pixel1,…"

_MANY = 10  # rows; a column with fewer different numbers may be that of ten digits
# Below this side, a count such as 27 = 3×3×3 is far more likely an accident than a picture.
_SMALLEST_COLOUR = 8


@dataclass(frozen=True, slots=True)
class Columns:
    """The roles of the fields of a row.

    Attributes
    ----------
    width : fields in one row.
    pixels : their places in reading order, left to right and top to bottom.
    shape : height, width and channels of the picture that they make.
    label : place of the label, or None in a table without labels.
    group : place of the group, or None.
    """

    width: int
    pixels: tuple[int, ...]
    shape: tuple[int, int, int]
    label: int | None = None
    group: int | None = None


def is_id_name(name: str) -> bool:
    """Whether a column of this name, in lower case, numbers or names the rows."""
    return _ID_NAME.fullmatch(name) is not None


def is_number(field: str) -> bool:
    """Whether `numpy.loadtxt` would read `field` as a number."""
    if "_" in field or not field.isascii():  # Python's float allows both
        return False
    try:
        float(field)
    except ValueError:
        return False
    return True


def has_header(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first row of a table, compared with the second, names the columns.

    A name is a text above a number. Half of the columns must have one, so that
    neither a text label ("cat" above "dog") nor one garbled pixel counts as a header.
    Pixel columns may be named 0, 1, 2, …, which are names because they count up.
    """
    texts = [not is_number(field) for field in first]
    above_numbers = [text and is_number(below) for text, below in zip(texts, second, strict=False)]
    if 2 * sum(above_numbers) >= len(first):
        return True
    counted = [field for field, text in zip(first, texts, strict=True) if not text]
    if len(counted) < 4 or 2 * len(counted) < len(first) or not counted[0].isdecimal():
        return False
    start = int(counted[0])
    return start <= 1 and counted == [str(start + i) for i in range(len(counted))]


def columns_of_header(
    header: Sequence[str],
    subject: str,
    group: str | None = None,
    label: str | None = None,
    seen: Callable[[int], Counter[str]] | None = None,
) -> Columns:
    """Parse a header such as ``label,pixel0,…,pixel783``, in any order.

    Without a column called label or the like, the only other column with values that repeat is
    the label: in a column of ids each value is different.

    Parameters
    ----------
    header : names of the columns.
    subject : the name of the table in errors.
    group : name of the column with the group; by default `group`, if there is one.
    label : name of the column with the label; by default one called so, or the only candidate.
    seen : how often each text occurs in a column; None if that cannot be known.

    Raises
    ------
    BakeoffError
        A column is missing, or the pixel columns do not form a square picture.
    """
    names = [nfc(name).strip().lower() for name in header]
    group_at = _place(names, _GROUP_NAMES if group is None else (nfc(group).strip().lower(),))
    label_at = label_place(names) if label is None else _place(names, (nfc(label).strip().lower(),))
    for wanted, at in ((group, group_at), (label, label_at)):
        if wanted is not None and at is None:
            texts = [name for name in header if not _PIXEL_NAME.fullmatch(name.strip().lower())]
            raise BakeoffError(
                subject,
                f"it has no column '{wanted}'",
                f"Name one of its columns: {', '.join(texts[:10])}",
            )
    rest = [at for at, name in enumerate(names) if name and at not in (label_at, group_at)]
    pixels = [at for at in rest if _PIXEL_NAME.fullmatch(names[at])]
    shape = picture_shape(len(pixels))
    for unnamed in (rest, [at for at in rest if not _ID_NAME.fullmatch(names[at])]):
        if shape is None and (shape := picture_shape(len(unnamed))) is not None:
            pixels = unnamed
    if shape is None:
        raise BakeoffError(
            subject,
            f"its {len(pixels or rest)} pixel columns do not form a square picture (28×28 are 784)",
            "Check that no pixel column is missing and that the others are named label and group",
        )
    left = set(rest).difference(pixels)
    others = [at for at in sorted(left) if not _ID_NAME.fullmatch(names[at])]
    if label_at is None and seen is not None:
        others = [at for at in others if _repeats(seen(at))]
    if label_at is None and len(others) == 1:
        label_at = others[0]
    elif label_at is None and others:
        raise BakeoffError(
            subject,
            f"several columns could be the label: {', '.join(header[at] for at in others[:10])}",
            f"Name the right one, such as --label {header[others[0]]}",
        )
    order = {at: tuple(int(n) for n in re.findall(r"[0-9]+", names[at])) for at in pixels}
    if len(set(order.values())) == len(pixels):
        pixels.sort(key=lambda at: order[at])
    return Columns(len(names), tuple(pixels), shape, label_at, group_at)


def columns_of_numbers(
    width: int, seen: Callable[[int], Counter[str]], highest_inside: float, subject: str
) -> Columns:
    """Find the columns of a table without a header: all pixels, or the label first or last.

    The number of columns shows whether there is a label: 784 is 28×28, 785 is one
    more. The end with the label follows from the values there in the whole table, since
    a table is often sorted by label. A column can be the label if it holds

    1. texts; else
    2. whole numbers, at least two different ones, and few of them. The corner of a
       drawing is always blank, and that of a photo has many values, so this mostly
       decides. If it holds for both ends,
    3. numbers that count up from 0 or 1 without a gap, as labels do; else
    4. a number that is higher than any pixel inside the row.

    A first column that numbers the rows is neither a label nor a pixel.

    Parameters
    ----------
    width : fields in one row.
    seen : how often each text occurs in a column, by its place; -1 is the last.
    highest_inside : the highest number between them.
    subject : the name of the table in errors.

    Raises
    ------
    BakeoffError
        The number of columns is not that of a picture, or both ends can be the label, or neither.
    """
    start = 0
    if picture_shape(width) is None and _numbers_rows(seen(0)):
        start = 1
    count = width - start
    for smallest_colour in (width, _SMALLEST_COLOUR):  # grey is tried first, with and without label
        if shape := picture_shape(count, smallest_colour=smallest_colour):
            return Columns(width, tuple(range(start, width)), shape)
        if shape := picture_shape(count - 1, smallest_colour=smallest_colour):
            if _label_end(seen(start), seen(-1), highest_inside, subject) == 0:
                return Columns(width, tuple(range(start + 1, width)), shape, start)
            return Columns(width, tuple(range(start, width - 1)), shape, width - 1)
    raise BakeoffError(
        subject,
        f"a row has {width} fields, which is not a square picture with or without a label",
        f"Check that every row has height × width pixels and a label. {_ADD_HEADER}",
    )


def _numbers_rows(seen: Counter[str]) -> bool:
    """Whether a column counts the rows: too many for classes, and all whole numbers in turn."""
    values = {int(float(field)) for field in seen if _is_whole(field)}
    if len(values) <= _MANY or len(values) < seen.total():
        return False
    return max(values) - min(values) == len(values) - 1


def _repeats(seen: Counter[str]) -> bool:
    """Whether a column may be the label: some value is in several rows."""
    return len(seen) < seen.total()


def _label_end(first: Counter[str], last: Counter[str], highest_inside: float, subject: str) -> int:
    """0 if the first column is the label, -1 if the last is."""
    ends = {0: first, -1: last}
    texts = [end for end, seen in ends.items() if _share(seen, _is_finite) < 0.5]
    few = {end: values for end, seen in ends.items() if (values := few_whole_numbers(seen))}
    runs = [end for end, values in few.items() if counts_up(values)]
    high = [end for end, values in few.items() if max(values) > highest_inside]
    for candidates in (texts, list(few), runs, high):
        if len(candidates) == 1:
            return candidates[0]
    raise BakeoffError(subject, "the label may be the first or the last column", _ADD_HEADER)


def few_whole_numbers(seen: Counter[str]) -> set[int]:
    """The different whole numbers in a column, if there are at least two and few of them."""
    if _share(seen, _is_whole) < 0.99:  # a few garbled rows are left out later
        return set()
    values = {int(float(field)) for field in seen if _is_whole(field)}
    return values if 2 <= len(values) <= max(10, seen.total() // 2) else set()


def counts_up(values: set[int]) -> bool:
    """Whether numbers go up from 0 or 1 without a gap, as labels do."""
    return values in (set(range(len(values))), set(range(1, 1 + len(values))))


def _is_finite(field: str) -> bool:
    """Whether it is a number; "nan" and "inf" may be names."""
    return is_number(field) and isfinite(float(field))


def _is_whole(field: str) -> bool:
    return is_number(field) and float(field).is_integer()


def _share(seen: Counter[str], test: Callable[[str], bool]) -> float:
    return sum(count for field, count in seen.items() if test(field)) / max(1, seen.total())


def label_place(names: Sequence[str]) -> int | None:
    """The column that is called label, or else class_name, label_id and the like."""
    exact = _place(names, _LABEL_NAMES)
    if exact is not None:
        return exact
    nearly = [name for name in names if _LABEL_OF.fullmatch(name)]
    return _place(names, sorted(nearly, key=lambda name: not name.endswith("name")))


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
