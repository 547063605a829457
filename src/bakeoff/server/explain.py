"""`/api/seen` and `/api/explain`: what each model sees of a picture, and why it answers so."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread
import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel

from bakeoff.bundle.golden import as_base64
from bakeoff.server.bodies import BODY, REFUSALS, picture_of
from bakeoff.server.models import Models

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["pictures"])


class ModelSight(BaseModel):
    """What one model sees: a square of `size` pixels; `picture` is a PNG as a data URI."""

    model: str
    picture: str
    size: int


class Sights(BaseModel):
    """Every model side by side."""

    models: list[ModelSight]


class Near(BaseModel):
    """A training picture like the one asked about; `picture` is a data URI."""

    label: str
    likeness: float
    picture: str


class ModelExplanation(BaseModel):
    """Why one model answers so.

    `drops` is a map of square cells over the picture, row by row: by how much the probability of
    `label` falls when that part is covered. `neighbours` is empty where the bundle ships none.
    """

    model: str
    label: str
    drops: list[list[float]]
    neighbours: list[Near]


class Explanations(BaseModel):
    """Every model side by side."""

    models: list[ModelExplanation]


@router.post("/seen", openapi_extra=BODY, responses=REFUSALS)
async def seen(
    request: Request,
    model: Annotated[list[str] | None, Query(description="Which models. Default: all.")] = None,
) -> Sights:
    """One picture as each model sees it: what is left when its pixels are prepared."""
    models: Models = request.app.state.models
    found = await models.seen(model, await picture_of(request))
    return Sights(models=await anyio.to_thread.run_sync(_drawn, found))


@router.post("/explain", openapi_extra=BODY, responses=REFUSALS)
async def explain(
    request: Request,
    model: Annotated[list[str] | None, Query(description="Which models. Default: all.")] = None,
    neighbours: Annotated[int, Query(ge=0, le=50, description="So many training pictures.")] = 5,
) -> Explanations:
    """What mattered to each model in one picture, and the training pictures most like it."""
    models: Models = request.app.state.models
    found = await models.explain(model, await picture_of(request), neighbours)
    return Explanations(
        models=[
            ModelExplanation(
                model=name,
                label=one.occlusion.label,
                drops=one.occlusion.drops.round(6).tolist(),
                neighbours=[
                    Near(label=near.label, likeness=near.likeness, picture=near.uri)
                    for near in one.neighbours
                ],
            )
            for name, one in found.items()
        ]
    )


def _drawn(found: dict[str, NDArray[np.uint8]]) -> list[ModelSight]:
    return [
        ModelSight(model=name, picture=f"data:image/png;base64,{as_base64(one)}", size=len(one))
        for name, one in found.items()
    ]
