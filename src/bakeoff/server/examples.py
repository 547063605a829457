"""A few pictures of a run, to try its models on, and of a named set, to start with."""

from __future__ import annotations

from functools import cache

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from bakeoff.bundle.examples import MOST, data_uri, example_pictures, spread
from bakeoff.data.catalog import at_hand, is_named, load_named
from bakeoff.data.image import thumbnail
from bakeoff.errors import BakeoffError
from bakeoff.said import say
from bakeoff.server.bodies import REFUSALS
from bakeoff.server.home import home_of
from bakeoff.server.limits import Problem
from bakeoff.server.runs import run_of

__all__ = ["Example", "router"]

router = APIRouter(prefix="/api")

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
        run.latest_results()
    except BakeoffError:
        return []
    try:
        return [Example(**vars(one)) for one in example_pictures(run)]
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
            picture=data_uri(thumbnail(dataset.pictures[row], SIDE)),
            locked=False,
        )
        for row in spread(first, MOST)
    ]
