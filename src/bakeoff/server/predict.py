"""`/api/predict` and `/api/models`: pictures in, answers side by side out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from bakeoff.bundle.answer import Verdict
from bakeoff.bundle.panel import answers_table
from bakeoff.server.bodies import BODY, REFUSALS, pictures_of
from bakeoff.server.limits import Problem
from bakeoff.server.models import Models, Timed
from bakeoff.server.runs import Runs

__all__ = ["ModelInfo", "Straight", "models_told", "router"]


router = APIRouter(prefix="/api", tags=["pictures"])


class Ranked(BaseModel):
    """A class and its calibrated probability."""

    label: str
    probability: float


class PictureAnswer(BaseModel):
    """What one model says of one picture. `words` is the verdict as people say it."""

    name: str
    label: str
    probability: float
    verdict: Verdict
    words: str
    possible: list[str]
    top: list[Ranked]
    ood_score: float


class ModelAnswers(BaseModel):
    """What one model says of every picture, in the order of the request."""

    model: str
    milliseconds: float
    answers: list[PictureAnswer]


class Refusal(BaseModel):
    """What could not be read, such as a picture: what it was, what is wrong, and the mend."""

    subject: str
    problem: str
    hint: str


class Predictions(BaseModel):
    """Every model side by side."""

    models: list[ModelAnswers]
    left_out: list[Refusal]


class ModelInfo(BaseModel):
    """A model that is served, from its bundle; `run` is the served run that left it, if one did."""

    name: str
    run: str | None
    title: str
    classes: list[str]
    parameters: int
    mode: Literal["ink", "photo"]
    accuracy: float | None
    waiting: int


@router.post("/predict", openapi_extra=BODY, responses=REFUSALS)
async def predict(
    request: Request,
    model: Annotated[list[str] | None, Query(description="Which models. Default: all.")] = None,
    top: Annotated[int, Query(ge=1, le=1000, description="So many likeliest classes.")] = 3,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Predictions:
    """Name pictures: one file, several, a CSV of pixels, a zip of pictures, or pixels as JSON.

    What a file is, is told by its bytes. A CSV is one picture, a number a pixel, where it has
    as many rows as columns, else a picture a row.
    """
    models: Models = request.app.state.models
    inputs = await pictures_of(request)
    timed = await models.ask(model, inputs)
    request.app.state.metrics.answered(timed)
    if form == "csv":
        text = answers_table({name: answers for name, (answers, _) in timed.items()}, top)
        return Response(text, media_type="text/csv", headers=_DOWNLOAD)  # type: ignore[return-value]
    found = Predictions(
        models=[_of_model(name, one, top) for name, one in timed.items()],
        left_out=[
            Refusal(subject=one.subject, problem=one.problem, hint=one.hint)
            for one in inputs.left_out
        ],
    )
    # As text at once: what was just checked need not be checked and copied again.
    return Response(found.model_dump_json(), media_type="application/json")  # type: ignore[return-value]


class Straight:
    """Middleware: a request to `predict` that has no query goes past FastAPI's routing.

    Routing, and reading parameters that are at their defaults, are a fifth of all that the server
    does for a small picture.
    """

    path = "/api/predict"

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] == "http" and scope["path"] == self.path
        if not plain or scope["method"] != "POST" or scope["query_string"]:
            await self.app(scope, receive, send)
            return
        scope["route"] = self  # as routing would: what is counted is counted by its path
        try:
            answer: Response = await predict(Request(scope, receive))  # type: ignore[assignment]
        except Problem as problem:
            answer = problem.response()
        except HTTPException as error:  # a form that Starlette refuses
            answer = Problem.of(error).response()
        await answer(scope, receive, send)


_DOWNLOAD = {"Content-Disposition": 'attachment; filename="answers.csv"'}


@router.get("/models")
async def models(request: Request) -> list[ModelInfo]:
    """The models that are served."""
    return await models_told(request)


async def models_told(request: Request, names: list[str] | None = None) -> list[ModelInfo]:
    """What there is to know of some models, or of all."""
    found: Models = request.app.state.models
    runs: Runs = request.app.state.runs
    places = {run.path: name for name, run in (await asyncio.to_thread(runs.all)).items()}
    return [
        ModelInfo(
            name=name,
            run=places.get(path.parent.parent),
            title=line.bundle.manifest.title,
            classes=line.bundle.classes,
            parameters=line.bundle.manifest.parameters,
            mode=line.bundle.manifest.preparation.mode,
            accuracy=next((one.accuracy for one in line.bundle.manifest.scores), None),
            waiting=line.waiting,
        )
        for name, line, path in [
            (name, found[name], found.paths[name]) for name in names or found if name in found
        ]
    ]


def _of_model(name: str, timed: Timed, top: int) -> ModelAnswers:
    answers, milliseconds = timed
    return ModelAnswers(
        model=name,
        milliseconds=milliseconds,
        answers=[
            PictureAnswer(
                name=one.name,
                label=one.label,
                probability=one.probability,
                verdict=one.verdict,
                words=one.words,
                possible=list(one.possible),
                top=[Ranked(label=label, probability=p) for label, p in one.ranking[:top]],
                ood_score=one.ood_score,
            )
            for one in answers
        ],
    )
