"""`/api/sets/NAME/next`: which pictures of a set to label next."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from bakeoff.errors import BakeoffError
from bakeoff.said import Message, say
from bakeoff.server.children import said_by
from bakeoff.server.choices import trainable
from bakeoff.server.home import home_of
from bakeoff.server.jobs import Jobs
from bakeoff.server.limits import Problem
from bakeoff.server.runs import run_of
from bakeoff.server.sets.routes import REFUSALS
from bakeoff.server.sets.store import Sets

__all__ = ["router"]

router = APIRouter(prefix="/api/sets", tags=["sets"])


class NextQuestion(BaseModel):
    """Which pictures to label next."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    run: Annotated[str | None, Field(max_length=200)] = None
    """A finished run on this set, whose models answer; null to go by looks alone."""
    take: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many to choose."""


class NextPicture(BaseModel):
    """A picture to label."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    guess: str | None
    """The class that the models together find most probable."""
    probability: float | None
    reasons: list[str]
    """Why, the strongest first."""
    said: list[Message]
    """The messages of the reasons, for other languages."""
    apart: bool
    """Whether it is like none of the classes."""


@router.post("/{name}/next", responses=REFUSALS)
async def next_pictures(request: Request, name: str, asked: NextQuestion) -> list[NextPicture]:
    """Which of the pictures that wait for a label to label next, as `bakeoff next` ranks them."""
    home_of(request)
    sets: Sets = request.app.state.sets
    waiting = await asyncio.to_thread(sets.waiting, name)
    path = sets.path_of(name)
    if not waiting or path is None:
        return []
    if reason := trainable():
        raise Problem(409, reason)
    place = path
    if asked.run is not None:
        run = run_of(request, asked.run)
        with suppress(BakeoffError):
            if Path(run.config.source) != path.resolve():
                raise Problem(409, say("error.notTrainedOn", run=asked.run, name=name))
        place = run.path
    known = {picture.id for picture in waiting}
    arguments = ["next", str(place), "--take", str(asked.take), "--json"]
    jobs: Jobs = request.app.state.jobs
    async with jobs.estimating:  # one at a time
        said = await said_by(request, arguments, "", "Put fewer pictures into the set.")
    return [
        NextPicture(id=one.pop("name"), **one) for one in json.loads(said) if one["name"] in known
    ]
