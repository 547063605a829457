"""The JSON of annotation tools: Label Studio, FiftyOne, Edge Impulse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.folder import read_listing, relabel
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.readers.rows import PictureIndex, Row, is_picture_name, list_rows
from bakeoff.data.readers.splits import Split, split_of
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["READER", "read_annotations"]

_SUFFIXES = (".json", ".labels")
_MAX_BYTES = 500_000_000
_HEAD = 1 << 16
_FOLDERS = 30
# A quick look: an export of one of these tools has one of these keys near its start.
_KEYS = re.compile(
    rb'"annotations"\s*:|"data"\s*:|"choice"\s*:|"annotator"\s*:|"annotation_id"\s*:'
    rb'|"classes"\s*:|"labels"\s*:|"files"\s*:'
)


@dataclass(frozen=True, slots=True)
class _Export:
    """What a file says, and which tool has written it."""

    tool: str
    rows: Sequence[Row]


def holds_annotations(path: Path) -> bool:
    """Whether a file is such an export, or a folder holds one."""
    if path.is_file():
        return path.suffix.lower() in _SUFFIXES and _parsed(path) is not None
    exports = _exports_in(path)
    if not exports:
        return False
    index = PictureIndex(path)  # a JSON of something else names no pictures that are here
    return any(row.file in index for export in exports.values() for row in export.rows)


def read_annotations(path: Path, request: ReadRequest) -> Dataset:
    """Read the pictures that an export names, which are in its folder or below.

    Parameters
    ----------
    path : the export, or the folder around it and its pictures.

    Raises
    ------
    BakeoffError
        Its pictures are not there, or have several classes each.
    """
    root = path if path.is_dir() else path.parent
    exports = _exports_in(path) if path.is_dir() else {path: _parsed(path)}
    tools = {export.tool for export in exports.values() if export}
    if len(tools) > 1:
        names = ", ".join(file.name for file in exports)
        raise BakeoffError(
            root.name, f"it holds exports of several tools ({names})", "Give one of these files"
        )
    rows = [(file, row) for file, export in exports.items() if export for row in export.rows]
    for _, row in rows:
        if row.several:
            raise BakeoffError(
                row.where,
                f"'{row.file[:100]}' has several classes ({', '.join(row.several[:10])}): bakeoff "
                "gives each picture one (multi-label sets are not supported)",
                "Keep one class for each picture",
            )
    index = PictureIndex(root)
    if rows and not any(row.file in index for _, row in rows):
        raise BakeoffError(
            next(iter(exports)).name,
            f"it names pictures ('{rows[0][1].file[:100]}'), but none of them is beside it or in a "
            "folder there",
            "Put the pictures beside the file, and give their folder",
        )
    names = ", ".join(dict.fromkeys(file.name for file in exports))
    columns = dict.fromkeys(name for _, row in rows for name in row.cells)
    listing = list_rows(index, rows, f"{', '.join(tools)} ({names})", list(columns))
    if request.labelling is not None:
        relabel(listing, request.labelling)
    return read_listing(root.name, listing, request)


def _exports_in(folder: Path) -> dict[Path, _Export]:
    """The exports in a folder, or else in the folders directly in it."""
    if not folder.is_dir():
        return {}
    folders, _ = visible(folder)
    for places in ([folder], folders[:_FOLDERS]):
        found = {}
        for place in places:
            files = [file for file in visible(place)[1] if file.name.lower().endswith(_SUFFIXES)]
            for file in files[:_FOLDERS]:
                if file.is_file() and (export := _parsed(file)) is not None:
                    found[file] = export
        if found:
            return found
    return {}


def _parsed(path: Path) -> _Export | None:
    """The rows of an export, or None if it is none that is known."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        with path.open("rb") as file:
            if not _KEYS.search(file.read(_HEAD)):
                return None
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    for tool, parse in _TOOLS.items():
        rows = list(parse(content, path))
        if rows:
            return _Export(tool, rows)
    return None


def _label_studio(content: Any, path: Path) -> Iterator[Row]:
    """Tasks with annotations, as the export "JSON" has them."""
    for number, task in enumerate(_objects(content), 1):
        data, annotations = task.get("data"), task.get("annotations", task.get("completions"))
        if not isinstance(data, dict) or not isinstance(annotations, list):
            continue
        file = next((v for v in data.values() if isinstance(v, str) and _is_file(v)), None)
        if file is None:
            continue
        where = f"{path.name} task {task.get('id', number)}"
        cells = {nfc(k): _text(v) for k, v in data.items() if v != file}
        done = [a for a in _objects(annotations) if not a.get("was_cancelled")]
        votes = [vote for a in done for vote in _choices(_objects(a.get("result")))]
        split = split_of(_text(data.get("split")))
        for vote in votes or [[]]:
            yield _row(_as_path(file), vote, where, split, cells)


def _choices(results: Sequence[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """The classes that one annotation gives, for each question."""
    for result in results:
        value = result.get("value")
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            yield value["choices"]


def _label_studio_min(content: Any, path: Path) -> Iterator[Row]:
    """One object per annotation, as the export "JSON-MIN" has them."""
    for number, row in enumerate(_objects(content), 1):
        if not {"annotator", "annotation_id", "choice", "lead_time"} & row.keys():
            continue
        file = next((v for v in row.values() if isinstance(v, str) and _is_file(v)), None)
        if file is None:
            continue
        where = f"{path.name} row {row.get('annotation_id', number)}"
        choice = row.get("choice", row.get("choices", row.get("label")))
        if isinstance(choice, dict):
            choice = choice.get("choices")
        votes = choice if isinstance(choice, list) else [choice]
        cells = {nfc(k): _text(v) for k, v in row.items() if v != file}
        yield _row(_as_path(file), votes, where, None, cells)


def _fiftyone(content: Any, path: Path) -> Iterator[Row]:
    """FiftyOneImageClassificationDataset: labels by the names of pictures without suffixes."""
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict):
        return
    classes = content.get("classes")
    for name, found in labels.items():
        where = f"{path.name} '{name}'"
        label = found.get("label") if isinstance(found, dict) else found
        votes = label if isinstance(label, list) else [label]
        if isinstance(classes, list):
            votes = [_numbered(vote, classes) for vote in votes]
        yield _row(name, votes, where, split_of(path.parent.name), {})


def _numbered(label: Any, classes: Sequence[Any]) -> Any:
    """The name of a class that is given by its number."""
    if isinstance(label, int) and not isinstance(label, bool):
        return classes[label] if 0 <= label < len(classes) else None
    return label


def _edge_impulse(content: Any, path: Path) -> Iterator[Row]:
    """info.labels: the files of training/ and testing/, with their labels."""
    for file in _objects(content.get("files") if isinstance(content, dict) else None):
        label = file.get("label")
        if isinstance(label, dict) and isinstance(file.get("path"), str):
            text = label.get("label") if label.get("type", "label") == "label" else None
            split = split_of(_text(file.get("category")))
            cells = {nfc(k): _text(v) for k, v in _mapping(file.get("metadata")).items()}
            yield Row(file["path"], _text(text) or None, path.name, split, cells)


# In the order of trying; the last of them are the least strict.
_TOOLS = {
    "Label Studio": _label_studio,
    "Label Studio, JSON-MIN": _label_studio_min,
    "Edge Impulse": _edge_impulse,
    "FiftyOne": _fiftyone,
}


def _row(
    file: str, votes: Sequence[Any], where: str, split: Split | None, cells: Mapping[str, str]
) -> Row:
    """A row with the one class of a picture, or all of them if there are several."""
    texts = tuple(dict.fromkeys(text for vote in votes if (text := _text(vote))))
    label = texts[0] if texts else None
    return Row(file, label, where, split, cells, texts if len(texts) > 1 else ())


def _is_file(text: str) -> bool:
    return is_picture_name(_as_path(text))


def _as_path(text: str) -> str:
    """A URL of Label Studio as a path: "/data/local-files/?d=a%20b.png" is "a b.png"."""
    return unquote(text.rpartition("?d=")[2].partition("?")[0])


def _objects(values: Any) -> list[dict[str, Any]]:
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return nfc(str(value)).strip() if isinstance(value, str | int | float) else ""


READER = Reader(
    "annotations",
    "the JSON export of an annotation tool",
    holds_annotations,
    read_annotations,
    groups="any",
    labels="any",
)
