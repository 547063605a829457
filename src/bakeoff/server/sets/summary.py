"""Summaries of the sets in a server's folder, and the pictures in a set of class folders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.data.readers import folder
from bakeoff.data.readers.files import looks_usable, visible
from bakeoff.data.readers.listing import Entry, list_pictures
from bakeoff.data.readers.table import ReaderTable
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.record.whole import read_file
from bakeoff.said import Message, described, say, with_messages

__all__ = [
    "NUMBERED",
    "ClassCount",
    "PictureInfo",
    "SetSummary",
    "group_of",
    "is_editable",
    "labelled_entries",
    "picture_info",
    "save_summary",
    "summary_of",
    "unlabelled_entries",
]

SUMMARY = ".set.json"  # of an uploaded set, as it was read
GROUP = "^(.+)--"  # the part of a file name that says who drew the picture
NUMBERED = re.compile(r"(?:(?P<group>.+)--)?(?P<number>\d+)")
CLASS_FOLDERS = say("layout.folders")


class ClassCount(BaseModel):
    """A class and the number of its pictures."""

    name: str
    count: int


class SetSummary(BaseModel):
    """A set in the server's folder."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    description: str
    description_said: Message | None = None
    """The message of the description, for other languages."""
    pictures: int
    classes: list[ClassCount]
    group: str | None = None
    """The expression that finds the groups in file names, for training; null if the reader knows
    the groups, or if not every picture has one."""
    groups: list[str] = []
    left_out: list[LeftOut] = []
    editable: bool = False
    """Whether pictures can be added and removed."""
    unlabelled: int = 0
    """Pictures that wait for a label, beside the folders of the classes."""
    missing: str | None = None
    """What the set still needs for training; null if it is ready."""
    missing_said: Message | None = None
    """The message of `missing`, for other languages."""

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "description", "missing")


class PictureInfo(BaseModel):
    """A picture of a set."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    """Its path in the set."""
    label: str | None
    """Its class; null if it waits for a label."""
    group: str | None


def summary_of(path: Path) -> SetSummary:
    """The summary of the set in a folder."""
    saved = _saved(path)
    if not is_editable(path):
        return saved or _read_now(path)
    left_out = saved.left_out if saved else []
    unreadable = {refusal.subject for refusal in left_out}
    entries = [entry for entry in labelled_entries(path) if entry.name not in unreadable]
    counts = Counter(entry.label or "" for entry in entries)
    groups = {picture_info(entry).group for entry in entries}
    folders = {nfc(folder.name) for folder in visible(path)[0]}
    ready = sum(count >= 2 for count in counts.values()) >= 2
    return SetSummary(
        name=path.name,
        description=described(CLASS_FOLDERS, say("set.onlyPictures", n=len(entries))),
        pictures=len(entries),
        classes=[
            ClassCount(name=name, count=counts[name]) for name in sorted(folders | set(counts))
        ],
        group=GROUP if groups and None not in groups else None,
        groups=sorted(group for group in groups if group is not None),
        left_out=left_out,
        editable=True,
        unlabelled=len(unlabelled_entries(path)),
        missing=None if ready else say("error.setNeeds"),
    )


def save_summary(folder: Path, name: str, dataset: Dataset, left_out: Sequence[LeftOut]) -> None:
    """Keep what was read of an uploaded set, so that it need not be read again."""
    summary = _of_dataset(name, dataset, left_out)
    (folder / SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8")


def is_editable(path: Path) -> bool:
    """Whether a set consists of class folders and pictures without a label, or is empty."""
    folders, files = visible(path)
    if not folders and all(map(_is_picture, files)):
        return True
    try:
        # Another reader may find labels in a table above folders that are no classes.
        reader = ReaderTable().find(path)
        return reader is folder.READER and list_pictures(path).description == CLASS_FOLDERS
    except BakeoffError:  # it can neither be read nor extended
        return False


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() != ".csv" and looks_usable(path)


def labelled_entries(path: Path) -> list[Entry]:
    """The labelled pictures of a set of class folders, by class and name."""
    entries = [entry for entry in list_pictures(path).entries if entry.label is not None]
    return sorted(entries, key=lambda entry: entry.name)


def unlabelled_entries(path: Path) -> list[Entry]:
    """The pictures of such a set that wait for a label: those in no folder of a class."""
    entries = [entry for entry in list_pictures(path).entries if entry.label is None]
    return sorted(entries, key=lambda entry: entry.name)


def picture_info(entry: Entry) -> PictureInfo:
    """The description of a picture, whose group is in its file name."""
    return PictureInfo(id=entry.name, label=entry.label, group=group_of(entry.path))


def group_of(path: Path) -> str | None:
    """Who drew a picture, if its file name says so."""
    match = NUMBERED.fullmatch(nfc(path.stem))
    return match["group"] if match else None


def _saved(path: Path) -> SetSummary | None:
    try:
        summary = SetSummary.model_validate_json(read_file(path / SUMMARY))
    except (OSError, ValidationError):
        return None
    return summary.model_copy(update={"name": path.name})


def _read_now(path: Path) -> SetSummary:
    """The summary of a set that was not uploaded but put into the folder."""
    try:
        return _of_dataset(path.name, read(path), ())
    except BakeoffError as error:
        return SetSummary(
            name=path.name,
            description=say("layout.unreadable"),
            pictures=0,
            classes=[],
            missing=error.whole,
        )


def _of_dataset(name: str, dataset: Dataset, left_out: Sequence[LeftOut]) -> SetSummary:
    counts = Counter(dataset.labels.tolist())
    return SetSummary(
        name=name,
        description=dataset.description,
        pictures=len(dataset),
        classes=[
            ClassCount(name=label, count=counts[index])
            for index, label in enumerate(dataset.classes)
        ],
        groups=list(dataset.group_names),
        left_out=[*left_out, *dataset.left_out],
    )
