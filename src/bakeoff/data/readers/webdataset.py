"""WebDataset: tar files of samples, each of a picture and its label under one name."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.class_names import with_class_names
from bakeoff.data.readers.files import files_below
from bakeoff.data.readers.folder import read_listing, relabel
from bakeoff.data.readers.listing import Entry, Listing
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.readers.rows import is_picture_name
from bakeoff.data.readers.splits import split_of_path
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "read_samples"]

_CLASSES = (".cls", ".txt", ".cls.txt")
_KEYS = ("cls", "label", "class", "target", "category", "label_name", "class_name")
_MAX_BYTES = 1_000_000
_FIRST = 200


def holds_samples(folder: Path) -> bool:
    """Whether the first files of a folder are samples: a picture, and a .cls or .json like it."""
    if not folder.is_dir():
        return False
    stems: dict[Path, set[str]] = defaultdict(set)
    for number, path in enumerate(files_below(folder)):
        if number >= _FIRST:
            break
        stems[path.parent / _key(path.name)].add(_ending(path.name))
    pairs = [
        (stem, endings)
        for stem, endings in stems.items()
        if any(is_picture_name(f"x{ending}") for ending in endings) and endings & {".cls", ".json"}
    ]
    if len(pairs) < 2 or 2 * len(pairs) < len(stems):
        return False
    stem, endings = pairs[0]
    return ".cls" in endings or _names_class(stem.with_name(stem.name + ".json"))


def _names_class(path: Path) -> bool:
    """Whether a .json beside a picture says its class; others are notes beside class folders."""
    try:
        cells = _plain(json.loads(_text(path)))
    except (BakeoffError, ValueError, RecursionError):
        return False
    return any(name.lower() in _KEYS for name in cells)


def read_samples(folder: Path, request: ReadRequest) -> Dataset:
    """Read the samples of one or several unpacked tar files.

    The class is the text of the .cls, or the key cls, label or the like of the .json; numbers get
    their names from a classes.txt beside. Further keys of the .json are columns, for ``--label``
    and ``--group``.

    Raises
    ------
    BakeoffError
        The request does not fit the samples.
    """
    samples: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in files_below(folder):
        if path.is_file() and not path.is_symlink():
            inside = path.relative_to(folder)
            samples[(inside.parent / _key(path.name)).as_posix()][_ending(path.name)] = path
    listing = Listing("WebDataset", silent="neither a .cls nor a .json")
    columns: dict[str, None] = {}
    for key, files in samples.items():
        pictures = [ending for ending in files if is_picture_name(f"x{ending}")]
        if not pictures:
            continue
        cells, label = _notes(key, files, listing)
        columns.update(dict.fromkeys(cells))
        path = files[pictures[0]]
        name = nfc(path.relative_to(folder).as_posix())
        folders = PurePosixPath(name).parts[:-1]
        test = bool(folders) and split_of_path("/".join(folders)) == "test"
        listing.entries.append(Entry(path, name, label, test, folders, cells))
    listing.columns = list(columns)
    if all(entry.test for entry in listing.entries):
        listing.entries = [entry.trained() for entry in listing.entries]
    if request.labelling is not None:
        relabel(listing, request.labelling)
    return with_class_names(read_listing(folder.name, listing, request), folder / "sample")


def _notes(key: str, files: dict[str, Path], listing: Listing) -> tuple[dict[str, str], str | None]:
    """The columns of a sample, and its class."""
    cells: dict[str, str] = {}
    label = ""
    for ending, path in files.items():
        if ending == ".json":
            try:
                cells |= _plain(json.loads(_text(path)))
            except (ValueError, RecursionError):
                problem = "it is not JSON"
                listing.left_out.append(LeftOut(f"{nfc(key)}.json", problem, "Write it again"))
        elif ending in _CLASSES:
            label = label or _text(path)
    known = {name.lower(): value for name, value in cells.items()}
    label = label or next((known[name] for name in _KEYS if known.get(name)), "")
    return cells, nfc(label) or None


def _plain(content: Any) -> dict[str, str]:
    if not isinstance(content, dict):
        return {}
    return {
        nfc(key): nfc(str(value)).strip()
        for key, value in content.items()
        if isinstance(value, str | int | float)
    }


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace").strip()
    except OSError as error:
        raise BakeoffError(
            path.name, f"it cannot be read ({error.strerror})", "Check it"
        ) from error


def _key(name: str) -> str:
    """The name of a sample: up to the first dot, as WebDataset has it."""
    return name.partition(".")[0]


def _ending(name: str) -> str:
    _, dot, rest = name.partition(".")
    return f"{dot}{rest}".lower()


READER = Reader(
    "webdataset",
    "WebDataset shards",
    holds_samples,
    read_samples,
    groups="any",
    labels="any",
)
