"""A few pictures of a run, to try its models on, and of a named set, to start with."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache

import numpy as np
from fastapi import APIRouter, Request
from PIL import Image
from pydantic import BaseModel, ConfigDict

from bakeoff.data.catalog import at_hand, is_named, load_named
from bakeoff.data.image import thumbnail, to_png
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex
from bakeoff.said import say
from bakeoff.server.bodies import REFUSALS
from bakeoff.server.home import home_of
from bakeoff.server.limits import Problem
from bakeoff.server.runs import run_of

__all__ = ["Example", "router"]

router = APIRouter(prefix="/api")

MOST = 8
SIDE = 96  # pixels of a set's picture


class Example(BaseModel):
    """A picture of a run, or of a set."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    label: str
    """Its class."""
    picture: str
    """A small version as a PNG in a data URI."""
    locked: bool
    """Whether it is of the locked test, so that no model was trained on it."""


@router.get("/runs/{name}/examples", tags=["runs"])
def examples(request: Request, name: str) -> list[Example]:
    """At most eight pictures of different classes, of the locked test if there is one.

    Empty until an approach is scored.
    """
    run = run_of(request, name)
    try:
        classes = run.latest_results().dataset.classes
    except BakeoffError:
        return []
    try:
        return list(_examples(run, classes))
    except BakeoffError as error:
        raise Problem.because(409, error) from None


@router.get("/training/sets/{name}/examples", tags=["training"], responses=REFUSALS)
def set_examples(request: Request, name: str) -> list[Example]:
    """At most eight pictures of different classes of a named set that can be trained on."""
    home_of(request)
    if not is_named(name) or not at_hand(name):
        raise Problem(404, say("error.noSet", name=repr(name[:100])), lists="/api/training")
    try:
        return _set_examples(name)
    except BakeoffError as error:
        raise Problem.because(409, error) from None


@cache
def _set_examples(name: str) -> list[Example]:
    dataset = load_named(name)
    labels = np.asarray(dataset.labels)
    first = [int(np.argmax(labels == label)) for label in np.unique(labels)]
    return [
        Example(
            label=dataset.classes[labels[row]],
            picture=_data_uri(thumbnail(dataset.pictures[row], SIDE)),
            locked=False,
        )
        for row in _spread(first)
    ]


def _examples(run: RunFolder, classes: list[str]) -> Iterator[Example]:
    index, small = run.picture_index(), run.sheets()
    labels = np.asarray(index.labels)
    locked = _locked(index)
    first = [
        min(np.flatnonzero(labels == label), key=lambda row: (not locked[row], row))
        for label in range(len(classes))
        if label in labels
    ]
    for row in _spread([int(row) for row in first]):
        square = small[row]
        cut = square.crop(square.getchannel("A").getbbox()).convert("RGB")
        yield Example(label=classes[labels[row]], picture=_data_uri(cut), locked=locked[row])


def _spread(rows: list[int]) -> list[int]:
    """At most `MOST` of them, from the first to the last."""
    places = np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int)
    return [rows[place] for place in places]


def _data_uri(picture: Image.Image) -> str:
    png = b64encode(to_png(np.asarray(picture))).decode()
    return f"data:image/png;base64,{png}"


def _locked(index: PictureIndex) -> list[bool]:
    # By position, as a fold can have the name of a group, such as "test".
    return [part == len(index.part_names) - 1 for part in index.parts]
