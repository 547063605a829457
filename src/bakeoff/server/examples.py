"""`/api/runs/{name}/examples`: a few pictures of a run, to try its models on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from bakeoff.data.image import to_png
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex
from bakeoff.server.limits import Problem
from bakeoff.server.runs import run_of

__all__ = ["Example", "router"]

router = APIRouter(prefix="/api/runs", tags=["runs"])

MOST = 8


class Example(BaseModel):
    """A picture of a run."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    label: str
    """Its class."""
    picture: str
    """A small version as a PNG in a data URI."""
    locked: bool
    """Whether it is of the locked test, so that no model was trained on it."""


@router.get("/{name}/examples")
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


def _examples(run: RunFolder, classes: list[str]) -> Iterator[Example]:
    index, small = run.picture_index(), run.sheets()
    labels = np.asarray(index.labels)
    locked = _locked(index)
    first = [
        min(np.flatnonzero(labels == label), key=lambda row: (not locked[row], row))
        for label in range(len(classes))
        if label in labels
    ]
    spread = np.linspace(0, len(first) - 1, min(MOST, len(first))).round().astype(int)
    for row in (int(first[place]) for place in spread):
        square = small[row]
        cut = square.crop(square.getchannel("A").getbbox()).convert("RGB")
        png = b64encode(to_png(np.asarray(cut))).decode()
        yield Example(
            label=classes[labels[row]],
            picture=f"data:image/png;base64,{png}",
            locked=locked[row],
        )


def _locked(index: PictureIndex) -> list[bool]:
    # By position, as a fold can have the name of a group, such as "test".
    return [part == len(index.part_names) - 1 for part in index.parts]
