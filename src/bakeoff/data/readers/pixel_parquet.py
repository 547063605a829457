"""Parquet files whose columns are pixels, as OpenML and pandas write them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.grouping import encode_names
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import PixelRange
from bakeoff.data.readers.columns import columns_of_header
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["holds_pixels", "read_pixels"]

_MOST_BYTES = 4_000_000_000
_BATCH = 4096


def holds_pixels(file: Any) -> bool:
    """Whether an open Parquet file has no pictures, and 16 columns of numbers or more."""
    from pyarrow import types

    kinds = [field.type for field in file.schema_arrow]
    if any(types.is_nested(kind) or "binary" in str(kind) for kind in kinds):
        return False
    numbers = [kind for kind in kinds if types.is_integer(kind) or types.is_floating(kind)]
    return len(numbers) >= 16


def read_pixels(file: Any, path: Path, group: str | None, label: str | None) -> Dataset:
    """Read one picture from each row of an open Parquet file; see `columns_of_header`.

    Raises
    ------
    BakeoffError
        The columns are not those of a picture, or hold other numbers than pixels.
    """
    names = list(file.schema_arrow.names)
    columns = columns_of_header(names, path.name, group, label, lambda at: _seen(file, names[at]))
    count = file.metadata.num_rows
    if count * len(columns.pixels) * 4 > _MOST_BYTES:
        raise BakeoffError(path.name, "it holds more than can be read", "Make a smaller set of it")
    values = np.empty((count, len(columns.pixels)), dtype=np.float32)
    wanted = [names[at] for at in columns.pixels]
    start = 0
    for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
        for place, name in enumerate(wanted):
            values[start : start + len(batch), place] = _floats(batch.column(name))
        start += len(batch)
    if not np.isfinite(values).all():
        raise BakeoffError(path.name, "some pixels are missing or are not numbers", "Fill them in")
    pixels = PixelRange.by_convention(float(values.min()), float(values.max()))
    if pixels is None:
        raise BakeoffError(
            path.name, "it holds numbers that are not pixels", "Scale them to 0–255 or to 0–1"
        )
    pictures = pixels.to_bytes(values, np.float32).reshape(count, *columns.shape)
    labels, classes = _encoded(file, names, columns.label)
    groups, group_names = _encoded(file, names, columns.group)
    return Dataset(
        name=path.stem,
        pictures=Pictures.from_array(pictures),
        labels=labels,
        classes=classes,
        names=tuple(f"{path.name} row {row}" for row in range(1, count + 1)),
        groups=groups if group_names else None,
        group_names=group_names,
        description="Parquet of pixels",
    )


def _floats(column: Any) -> NDArray[np.float32]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float32)


def _texts(file: Any, name: str) -> list[str]:
    values = file.read(columns=[name]).column(name).to_pylist()
    return as_meant(["" if v is None else nfc(str(v)).strip() for v in values])


def _seen(file: Any, name: str) -> Counter[str]:
    return Counter(_texts(file, name))


def _encoded(
    file: Any, names: list[str], at: int | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The texts of a column as indices into the distinct ones; gaps are without a label."""
    if at is None:
        return np.full(file.metadata.num_rows, UNLABELLED, dtype=np.int64), ()
    texts = _texts(file, names[at])
    _, distinct = encode_names(text for text in texts if text)
    place = {"": UNLABELLED} | {name: index for index, name in enumerate(distinct)}
    return np.asarray([place[text] for text in texts], dtype=np.int64), distinct
