"""Parquet files of pictures, as Hugging Face's `datasets` library writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.decode import decode
from bakeoff.data.grouping import encode_names, parse_grouping
from bakeoff.data.pictures import PictureWriter
from bakeoff.data.readers.pixel_parquet import holds_pixels, read_pixels
from bakeoff.data.readers.reader import Reader
from bakeoff.data.readers.splits import split_of_path
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "Table", "read_parquet", "read_shards"]

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

# Packed pictures in memory at one time.
_BATCH = 64
_MAX_ROWS = 5_000_000
_IMAGE_NAMES = ("image", "img", "picture", "pixels", "png", "jpg")
_LABEL_NAMES = ("label", "labels", "class", "target", "category", "fine_label", "digit", "y")


def read_parquet(path: Path, *, group: str | None = None, label: str | None = None) -> Dataset:
    """Read pictures and labels from one Parquet file, or from the shards in a folder.

    Pictures are packed (PNG, JPEG, …) in a column of structs {bytes, path} or of binary,
    called `image` or the only one of its kind. Labels are texts, or numbers with the
    names that `datasets` keeps in the schema. Shards named like ``test-00000-of-00001``
    are the official test part. A file of columns of numbers, as OpenML's, has one pixel in each.
    Only a batch of packed pictures is in memory.

    Parameters
    ----------
    path : a file, or a folder with shards, at any depth.
    group : ``column:NAME`` for the column with the group; by default the column called
        `group`, if there is one.
    label : name of the column with the label; by default one that is called so.

    Raises
    ------
    BakeoffError
        pyarrow is not installed, a file is damaged, or its columns cannot be identified.
    """
    shards = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not shards:
        raise BakeoffError(path.name, "it holds no Parquet file", "Give a folder with *.parquet")
    with _opened(shards[0], path.name) as file:
        if len(shards) == 1 and holds_pixels(file):
            column = None if group is None else parse_grouping(group).text
            return read_pixels(file, shards[0], column, label)
    return read_shards(path, shards, _opened, group, label, "Parquet")


class Table(Protocol):
    """An open table of pictures: a Parquet file, or the like."""

    schema_arrow: pyarrow.Schema

    def iter_batches(self, batch_size: int, columns: list[str]) -> Iterator[Any]:
        """Yield some rows at a time."""


def read_shards(
    path: Path,
    shards: Sequence[Path],
    opened: Callable[[Path, str], AbstractContextManager[Table]],
    group: str | None,
    label: str | None,
    description: str,
) -> Dataset:
    """Read the pictures of tables; see `read_parquet`.

    Parameters
    ----------
    path : the file, or the folder around all of them.
    shards : the files.
    opened : opens one, called by its name in errors.
    group : ``column:NAME``, or None.
    label : the name of a column, or None.
    description : the layout, in words.
    """
    reader = _Reader(group, label, opened)
    try:
        for shard in shards:
            reader.read(shard, shard.relative_to(path).as_posix() if shard != path else path.name)
    finally:
        pictures = reader.writer.finish()  # also owns the temporary file
    if not len(pictures):
        if not reader.left_out:
            raise BakeoffError(path.name, "it holds no rows", "Save the pictures again")
        first = reader.left_out[0]
        raise BakeoffError(
            path.name, f"no picture can be read; {first.subject}: {first.problem}", first.hint
        )
    # Files without names in the schema may add classes, as texts.
    noted = {"", *reader.classes}
    classes = reader.classes + encode_names(x for x in reader.labels if x not in noted)[1]
    place = {"": UNLABELLED} | {name: index for index, name in enumerate(classes)}
    labels = np.asarray([place[label] for label in reader.labels], dtype=np.int64)
    groups, group_names = encode_names(group for group in reader.groups if group is not None)
    if len(groups) not in (0, len(pictures)):
        raise BakeoffError(
            path.name, "only some of its files have a group column", "Add it to the others"
        )
    test = np.asarray(reader.test)
    return Dataset(
        name=path.stem,
        pictures=pictures,
        labels=labels,
        classes=classes,
        names=tuple(reader.names),
        groups=groups if group_names else None,
        group_names=group_names,
        official_test=test if test.any() and not test.all() else None,
        left_out=tuple(reader.left_out),
        description=description,
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names of the columns to read, and the class names in the schema."""

    image: str
    label: str | None
    group: str | None
    classes: tuple[str, ...]

    @property
    def wanted(self) -> list[str]:
        return [name for name in (self.image, self.label, self.group) if name is not None]


class _Reader:
    """Collects the rows of one file after another."""

    def __init__(
        self,
        group: str | None,
        label: str | None,
        opened: Callable[[Path, str], AbstractContextManager[Table]],
    ) -> None:
        self._label = label
        self._opened = opened
        grouping = None if group is None else parse_grouping(group)
        self._group = grouping.text if grouping and grouping.kind == "column" else None
        self.writer = PictureWriter()
        self.labels: list[str] = []
        self.groups: list[str | None] = []
        self.names: list[str] = []
        self.test: list[bool] = []
        self.left_out: list[LeftOut] = []
        self.classes: tuple[str, ...] = ()

    def read(self, shard: Path, name: str) -> None:
        """Add the pictures of one file, called `name`."""
        test = split_of_path(name) == "test"
        with self._opened(shard, name) as file:
            columns = _columns_of(file.schema_arrow, name, self._group, self._label)
            if self.classes and columns.classes and columns.classes != self.classes:
                raise BakeoffError(
                    name, "its classes are not those of the other files", "Read it on its own"
                )
            self.classes = self.classes or columns.classes
            batches = file.iter_batches(batch_size=_BATCH, columns=columns.wanted)
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                try:
                    self._add(row, columns, f"{name} row {number}")
                    self.test.append(test)
                except BakeoffError as error:
                    self.left_out.append(LeftOut.because(error))

    def _add(self, row: dict[str, Any], columns: _Columns, name: str) -> None:
        """Decode one row; none of it is kept if any of it is unusable."""
        image = row[columns.image]
        inside = image if isinstance(image, dict) else {"bytes": image}
        if inside.get("bytes") is None:
            problem = "it holds only the path of a picture" if inside.get("path") else "it is empty"
            raise BakeoffError(name, problem, "Save the pictures themselves into the file")
        label = None if columns.label is None else row[columns.label]
        if label == UNLABELLED:
            label = None
        elif columns.classes and isinstance(label, int):
            if not 0 <= label < len(columns.classes):
                raise BakeoffError(
                    name,
                    f"its label {label} is not one of the {len(columns.classes)} classes",
                    "Correct the label",
                )
            label = columns.classes[label]
        group = None if columns.group is None else _text(row[columns.group])
        if group == "":
            raise BakeoffError(name, "it has no group", "Fill in the group")
        self.writer.append(decode(inside["bytes"], name))
        self.labels.append(_text(label))
        self.groups.append(group)
        self.names.append(name)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Open a file; raise a `BakeoffError` if pyarrow is missing or the file is damaged."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise BakeoffError(
            name,
            "reading Parquet needs pyarrow, which is not installed",
            "Install it: pip install 'bakeoff[parquet]'",
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > _MAX_ROWS:
                raise BakeoffError(
                    name, f"it has more than {_MAX_ROWS} rows", "Make a smaller set of it"
                )
            yield file
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BakeoffError(
            name, f"it is not a Parquet file, or damaged ({error})", "Copy or download it again"
        ) from error


def _columns_of(
    schema: pyarrow.Schema, name: str, group: str | None, label: str | None
) -> _Columns:
    """Identify the columns by their types, their names, and the metadata of `datasets`."""
    from pyarrow import types

    def holds_pictures(kind: pyarrow.DataType) -> bool:
        if types.is_struct(kind):
            return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    features = _features(schema)
    images = [field.name for field in schema if holds_pictures(field.type)]
    image = images[0] if len(images) == 1 else _first(_IMAGE_NAMES, images)
    if image is None:
        raise BakeoffError(
            name,
            f"no column is recognised as the pictures: {', '.join(schema.names[:10])}",
            "Call it image, and let it hold packed pictures (PNG or JPEG)",
        )
    group = next((name for name in schema.names if group and nfc(name) == nfc(group)), group)
    label = next((name for name in schema.names if label and nfc(name) == nfc(label)), label)
    for wanted in (group, label):
        if wanted is not None and wanted not in schema.names:
            raise BakeoffError(
                name,
                f"it has no column '{wanted}'",
                f"Name one of its columns: {', '.join(schema.names[:10])}",
            )
    group = group or _first(("group", "groups"), schema.names)
    noted = [column for column in schema.names if "names" in features.get(column, {})]
    label = label or _first(_LABEL_NAMES, [name for name in schema.names if name != group])
    if label is None and len(noted) == 1:
        label = noted[0]
    classes = features.get(label or "", {}).get("names", ())
    return _Columns(image, label, group, tuple(nfc(str(name)) for name in classes))


def _features(schema: pyarrow.Schema) -> dict[str, dict[str, Any]]:
    """The metadata of `datasets` on each column, such as the names of the classes."""
    try:
        notes = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = notes["info"]["features"]
        return {name: note for name, note in features.items() if isinstance(note, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # the metadata are optional


def _first(wanted: Sequence[str], present: Sequence[str]) -> str | None:
    return next((name for name in wanted if name in present), None)


def _text(value: object) -> str:
    """A label or group as text; "" is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column with missing numbers is of floats
    return "" if value is None or value != value else nfc(str(value))  # NaN


def _is_parquet(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


READER = Reader(
    "parquet",
    "a Parquet file",
    _is_parquet,
    lambda path, request: read_parquet(path, group=request.group, label=request.label),
    groups="columns",
    labels="columns",
)
