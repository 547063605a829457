"""Sets that Hugging Face's `datasets` library saved with `save_to_disk`: Arrow streams."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.parquet import Table, read_shards
from bakeoff.data.readers.reader import Reader
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_saved"]

_STREAM, _FILE = b"\xff\xff\xff\xff", b"ARROW1"
_INFO = "dataset_info.json"
_MAX_INFO = 10_000_000


def holds_arrow(path: Path) -> bool:
    """Whether a file is an Arrow table, or a folder was written by `save_to_disk`."""
    if path.is_file():
        return _is_arrow(path)
    return bool(_shards(path))


def read_saved(path: Path, *, group: str | None = None, label: str | None = None) -> Dataset:
    """Read what `save_to_disk` wrote: one set, or a folder for each part of it.

    Parameters
    ----------
    path : the folder, or one of its .arrow files.
    group, label : as for `read_parquet`.

    Raises
    ------
    BakeoffError
        pyarrow is not installed, a file is damaged, or its columns cannot be identified.
    """
    shards = _shards(path) if path.is_dir() else [path]
    return read_shards(path, shards, _opened, group, label, "Arrow (save_to_disk)")


def _shards(folder: Path) -> list[Path]:
    """The tables of a folder, and of its parts; not the indices that `datasets` keeps beside."""
    if not folder.is_dir():
        return []
    folders, _ = visible(folder)
    return [
        file
        for place in (folder, *folders)
        for file in visible(place)[1]
        if _is_arrow(file) and not file.name.startswith(("cache-", "indices"))
    ]


def _is_arrow(path: Path) -> bool:
    if not path.name.lower().endswith(".arrow") or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_FILE)).startswith((_STREAM, _FILE))


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Table]:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise BakeoffError(
            name,
            "reading Arrow needs pyarrow, which is not installed",
            "Install it: pip install 'bakeoff[parquet]'",
        ) from error
    try:
        with path.open("rb") as file:
            whole = file.read(len(_FILE)) == _FILE
        with pyarrow.memory_map(str(path)) as mapped:
            opened: Any = pyarrow.ipc.open_file if whole else pyarrow.ipc.open_stream
            yield _Stream(opened(mapped), whole=whole, info=_features(path.parent))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BakeoffError(
            name, f"it is not an Arrow file, or damaged ({error})", "Copy or save it again"
        ) from error


class _Stream:
    """An open Arrow stream or file, read as Parquet files are.

    Parameters
    ----------
    reader : of pyarrow.
    whole : it is a file, which has its batches by number.
    info : the features that dataset_info.json names, for schemas without them.
    """

    def __init__(self, reader: Any, *, whole: bool, info: Any) -> None:
        self._reader = reader
        self._whole = whole
        self.schema_arrow = reader.schema
        if info and b"huggingface" not in (self.schema_arrow.metadata or {}):
            note = json.dumps({"info": {"features": info}}).encode()
            self.schema_arrow = self.schema_arrow.with_metadata({b"huggingface": note})

    def iter_batches(self, batch_size: int, columns: Sequence[str]) -> Iterator[Any]:
        """Yield some rows at a time, with some of the columns."""
        if self._whole:
            numbers = range(self._reader.num_record_batches)
            batches = (self._reader.get_batch(number) for number in numbers)
        else:
            batches = iter(self._reader)
        for batch in batches:
            part = batch.select(list(columns))
            for start in range(0, len(part), batch_size):
                yield part.slice(start, batch_size)


def _features(folder: Path) -> Any:
    path = folder / _INFO
    try:
        if not path.is_file() or path.stat().st_size > _MAX_INFO:
            return None
        return json.loads(path.read_bytes())["features"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


READER = Reader(
    "arrow",
    "a folder of Hugging Face's save_to_disk",
    holds_arrow,
    lambda path, request: read_saved(path, group=request.group, label=request.label),
    groups="columns",
    labels="columns",
)
