"""`/api/seen` and `/api/explain`: the input of each model's network, and its explanation."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread
import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from bakeoff.bundle.golden import as_base64
from bakeoff.server.bodies import BODY, REFUSALS, picture_of
from bakeoff.server.models import FailedModel, Models
from bakeoff.server.predict import WhichModels

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["pictures"])


class ModelSight(BaseModel):
    """The input of one model's network."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str
    picture: str
    """A PNG as a data URI."""
    size: int
    """Pixels of a side; the input is square."""


class Sights(BaseModel):
    """The network inputs of every model."""

    models: list[ModelSight]
    failed: list[FailedModel]


class Near(BaseModel):
    """A training picture similar to the one in the request."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    label: str
    likeness: float
    """Cosine similarity of the embeddings."""
    picture: Annotated[str, Field(validation_alias="uri")]
    """A data URI."""


class ModelExplanation(BaseModel):
    """The explanation of one model's answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str
    label: str
    """The answer."""
    drops: list[list[float]]
    """Square cells over the picture, row by row: the fall of the answer's probability when the
    cell is covered."""
    neighbours: list[Near]
    """The most similar training pictures; empty if the bundle ships none."""


class Explanations(BaseModel):
    """The explanations of every model."""

    models: list[ModelExplanation]
    failed: list[FailedModel]


@router.post("/seen", openapi_extra=BODY, responses=REFUSALS)
async def seen(
    request: Request,
    model: WhichModels = None,
) -> Sights:
    """The picture as the network of each model receives it, after preprocessing."""
    models: Models = request.app.state.models
    outcomes = await models.seen(model, await picture_of(request))
    shown = await anyio.to_thread.run_sync(_as_png, outcomes.results)
    return Sights(models=shown, failed=outcomes.failed)


@router.post("/explain", openapi_extra=BODY, responses=REFUSALS)
async def explain(
    request: Request,
    model: WhichModels = None,
    neighbours: Annotated[int, Query(ge=0, le=50, description="How many training pictures.")] = 5,
) -> Explanations:
    """The parts of a picture that mattered to each model, and similar training pictures."""
    models: Models = request.app.state.models
    outcomes = await models.explain(model, await picture_of(request), neighbours)
    return Explanations(
        models=[
            ModelExplanation(
                model=name,
                label=explanation.occlusion.label,
                drops=explanation.occlusion.drops.round(6).tolist(),
                neighbours=[Near.model_validate(near) for near in explanation.neighbours],
            )
            for name, explanation in outcomes.results.items()
        ],
        failed=outcomes.failed,
    )


def _as_png(inputs: dict[str, NDArray[np.uint8]]) -> list[ModelSight]:
    return [
        ModelSight(model=name, picture=f"data:image/png;base64,{as_base64(seen)}", size=len(seen))
        for name, seen in inputs.items()
    ]
