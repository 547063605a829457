"""`/api/predict` and `/api/models`: classify pictures with one or several models."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bakeoff.bundle.answer import Verdict
from bakeoff.bundle.golden import as_base64
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.panel import answers_table
from bakeoff.errors import LeftOut
from bakeoff.server.bodies import BODY, REFUSALS, pictures_of
from bakeoff.server.limits import Problem
from bakeoff.server.models import FailedModel, Models
from bakeoff.server.runs import Runs

__all__ = ["ModelInfo", "WhichModels", "model_infos", "router"]

router = APIRouter(prefix="/api", tags=["pictures"])

SHOWN_SIDE = 256  # pixels; rows of a table are smaller, and larger pictures have files of their own

WhichModels = Annotated[
    list[str] | None, Query(description="Names of models. Default: all of them.")
]


class Ranked(BaseModel):
    """A class and its calibrated probability."""

    label: str
    probability: float


class PictureAnswer(BaseModel):
    """One model's answer for one picture."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    name: str
    """The file name of the picture, or its path where file names repeat."""
    path: str
    """The path of the picture, as it was sent."""
    label: str
    """The most probable class."""
    probability: float
    """Its calibrated probability."""
    verdict: Verdict
    words: str
    """The verdict as text for people."""
    possible: list[str]
    """The classes that remain possible, most probable first."""
    top: Annotated[list[Ranked], Field(validation_alias="ranking")]
    """The most probable classes, as many as `top` in the query."""
    ood_score: float
    """About 1 for pictures like the training data; higher means less like it."""
    cheapest: str | None
    """The class of least expected cost; null if the model knows of no costs."""

    @field_validator("top", mode="before")
    @classmethod
    def _first(cls, ranking: tuple[tuple[str, float], ...], info: ValidationInfo) -> list[Ranked]:
        return [Ranked(label=label, probability=p) for label, p in ranking[: info.context]]


class ModelAnswers(BaseModel):
    """One model's answers, in the order of the pictures."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    model: str
    milliseconds: float
    """From the model's turn to its last answer, time in the queue included."""
    together: bool
    """Whether all models answered the picture, a small one, in one graph: each has its time."""
    drifted: bool
    """Whether its drift alarm was raised, by these pictures or earlier ones."""
    answers: list[PictureAnswer]


class GivenPicture(BaseModel):
    """What a file says of one of its pictures."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    label: str | None
    """Its class, if it is a row of a table that names one."""
    picture: str | None
    """The picture as a PNG in a data URI, if `pictures` is true and it has at most 256 pixels a
    side."""


class Predictions(BaseModel):
    """The answers of every model."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    models: list[ModelAnswers]
    failed: list[FailedModel]
    """The models that gave no answer, and why."""
    left_out: list[LeftOut]
    """What could not be read, and why."""
    notes: list[str]
    """How something was read that could have been read otherwise."""
    pictures: list[GivenPicture]
    """What the files say, in the order of the answers."""


class DriftInfo(BaseModel):
    """Whether the pictures that a model is given are like those that it learned from."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)

    pictures: int
    """How many were looked at, since the server or the model was started."""
    evidence: float
    """1 says nothing; one stream of like pictures in twenty ever reaches 20."""
    alarm_after: int | None
    """The picture that raised the alarm; null as long as it was not raised."""


class ModelInfo(BaseModel):
    """A served model, described by its bundle."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    run: str | None
    """The served run that made it, if there is one."""
    title: str
    classes: list[str]
    parameters: int
    mode: Literal["ink", "photo"]
    """How it preprocesses pictures."""
    accuracy: float | None
    """Out of fold or, without folds, on the test part."""
    waiting: int
    """Pictures in its queue."""
    drift: DriftInfo | None
    """Null where the bundle has no scores to compare with."""


@router.post("/predict", openapi_extra=BODY, responses=REFUSALS)
async def predict(
    request: Request,
    model: WhichModels = None,
    top: Annotated[int, Query(ge=1, le=1000, description="How many classes to list.")] = 3,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="Format of the response.")
    ] = "json",
    pictures: Annotated[bool, Query(description="Whether to return small pictures.")] = False,
    watch: Annotated[
        bool,
        Query(description="Whether the drift alarm counts them: false for unfinished drawings."),
    ] = True,
) -> Predictions:
    """Classify pictures: one file or several, a CSV of pixels, a zip, or pixels as JSON.

    File formats are recognised by their content. A CSV has one picture per row; without a header,
    and with as many rows as columns, it is a single picture, and `notes` says so. Pictures with
    transparency are laid on white.
    """
    models: Models = request.app.state.models
    inputs = await pictures_of(request)
    outcomes = await models.predict(model, inputs, watch=watch)
    results = outcomes.results
    request.app.state.metrics.answered(results)
    if form == "csv":
        if outcomes.failed:  # a table has no place to say so
            raise Problem(503, f"{outcomes.failed[0].model}: {outcomes.failed[0].problem}")
        text = answers_table({name: result.answers for name, result in results.items()}, top)
        return Response(text, media_type="text/csv", headers=_DOWNLOAD)  # type: ignore[return-value]
    # A thread costs a small answer more than the work.
    given = await asyncio.to_thread(_given, inputs, True) if pictures else _given(inputs, False)
    predictions = Predictions.model_validate(
        {
            "models": list(results.values()),
            "failed": outcomes.failed,
            "left_out": inputs.left_out,
            "notes": inputs.notes,
            "pictures": given,
        },
        context=top,
    )
    # As text: FastAPI would validate and copy the model again.
    return Response(predictions.model_dump_json(), media_type="application/json")  # type: ignore[return-value]


def _given(inputs: Inputs, shown: bool) -> list[GivenPicture]:
    given = []
    for row, label in enumerate(inputs.labels):
        picture = inputs.pictures[row] if shown else None
        small = picture is not None and max(picture.shape[:2]) <= SHOWN_SIDE
        uri = (
            f"data:image/png;base64,{as_base64(picture)}" if picture is not None and small else None
        )
        given.append(GivenPicture(label=label, picture=uri))
    return given


_DOWNLOAD = {"Content-Disposition": 'attachment; filename="answers.csv"'}


@router.get("/models")
async def models(request: Request) -> list[ModelInfo]:
    """The models that are served."""
    return await model_infos(request)


async def model_infos(request: Request, names: list[str] | None = None) -> list[ModelInfo]:
    """The descriptions of some models, or of all."""
    served: Models = request.app.state.models
    runs: Runs = request.app.state.runs
    run_names = {run.path: name for name, run in (await asyncio.to_thread(runs.all)).items()}
    infos = []
    for name in served if names is None else names:
        queue = served.get(name)
        if queue is None:  # another request has replaced it
            continue
        manifest, drift = queue.bundle.manifest, served.drift(name)
        infos.append(
            ModelInfo(
                name=name,
                run=run_names.get(served.paths[name].parent.parent),
                title=manifest.title,
                classes=manifest.classes,
                parameters=manifest.parameters,
                mode=manifest.preparation.mode,
                accuracy=next((score.accuracy for score in manifest.scores), None),
                waiting=queue.waiting,
                drift=None if drift is None else DriftInfo.model_validate(drift),
            )
        )
    return infos
