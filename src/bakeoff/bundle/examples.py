"""A few small pictures of a run, to try its models on without drawing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bakeoff.data.image import to_png
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex, Results
from bakeoff.said import Message

__all__ = [
    "MOST",
    "ExamplePicture",
    "data_uri",
    "example_pictures",
    "examples_of",
    "has_public_pictures",
    "spread",
]

MOST = 8


@dataclass(frozen=True)
class ExamplePicture:
    """A picture of a run.

    Attributes
    ----------
    label : its class.
    picture : a PNG of at most 96 pixels a side in a data URI. It is made from pixels, so that
        nothing else in the file, such as the place of a photo, is in it.
    locked : whether it is of the locked test, so that no model was trained on it.
    """

    label: str
    picture: str
    locked: bool


def example_pictures(run: RunFolder, most: int = MOST) -> list[ExamplePicture]:
    """At most `most` pictures of different classes, of the locked test if there is one.

    Raises
    ------
    BakeoffError
        No approach is scored yet, or the run is damaged.
    """
    classes = run.latest_results().dataset.classes
    index, small = run.picture_index(), run.sheets()
    labels, locked = np.asarray(index.labels), _locked(index)
    first = [
        min(np.flatnonzero(labels == label), key=lambda row: (not locked[row], row))
        for label in range(len(classes))
        if label in labels
    ]
    examples = []
    for row in spread([int(row) for row in first], most):
        square = small[row]
        cut = square.crop(square.getchannel("A").getbbox()).convert("RGB")
        examples.append(ExamplePicture(classes[labels[row]], data_uri(cut), locked[row]))
    return examples


def has_public_pictures(run: RunFolder, results: Results) -> bool:
    """Whether all pictures are those of a named set, which anyone may see."""
    said = results.dataset.description_said
    parts = said.values.get("parts") if said else None
    layout = parts[0] if isinstance(parts, list) else None
    named = isinstance(layout, Message) and layout.code == "layout.named"
    return named and not run.config.unlabelled


def examples_of(runs: Sequence[RunFolder], wanted: bool | None) -> list[ExamplePicture]:
    """The pictures that a page of these runs contains: at most `MOST`, or one of each run.

    Parameters
    ----------
    wanted : None for those of runs with public pictures, if they can be read.

    Raises
    ------
    BakeoffError
        They are wanted, and there are none.
    """
    if wanted is False or not runs:
        examples = []
    else:
        most = max(1, MOST // len(runs))
        examples = [one for run in runs for one in _allowed(run, most, private=wanted is True)]
    if wanted and not examples:
        raise BakeoffError(
            "the page", "would have no example pictures", "Name a run, which has its pictures"
        )
    return examples


def _allowed(run: RunFolder, most: int, *, private: bool) -> list[ExamplePicture]:
    """Pictures of a run, if they are public or private ones may be shown."""
    try:
        if private or has_public_pictures(run, run.latest_results()):
            return example_pictures(run, most)
    except BakeoffError:
        if private:
            raise
    return []


def spread(rows: list[int], most: int) -> list[int]:
    """At most `most` of them, from the first to the last."""
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [rows[place] for place in places]


def data_uri(picture: Image.Image) -> str:
    """A picture as a PNG in a data URI."""
    png = b64encode(to_png(np.asarray(picture))).decode()
    return f"data:image/png;base64,{png}"


def _locked(index: PictureIndex) -> list[bool]:
    # By position, as a fold can have the name of a group, such as "test".
    return [part == len(index.part_names) - 1 for part in index.parts]
