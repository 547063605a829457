"""The application: all routes of the API behind one guard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from bakeoff.said import say
from bakeoff.server import (
    examples,
    explain,
    label,
    oip,
    page,
    predict,
    runs,
    search,
    share,
    studies,
    train,
)
from bakeoff.server.encoding import UnpackBody
from bakeoff.server.guard import Guard
from bakeoff.server.head import AnswerHead
from bakeoff.server.home import Home
from bakeoff.server.jobs import Jobs
from bakeoff.server.limits import BodyLimit, Bounds, Problem, RequestLimit
from bakeoff.server.memory import KeepInMemory
from bakeoff.server.metrics import Measure, Metrics
from bakeoff.server.models import Models
from bakeoff.server.public import BelowPath, PublicUrl
from bakeoff.server.runs import Runs
from bakeoff.server.sets import routes as sets
from bakeoff.server.sets.store import Sets
from bakeoff.server.studies import Studies
from bakeoff.version import __version__

__all__ = ["create_app"]


def create_app(
    models: Models,
    served: Runs,
    *,
    bounds: Bounds,
    hosts: Sequence[str] | None,
    token: str | None = None,
    public: Sequence[PublicUrl] = (),
    allow_origins: Sequence[str] = (),
    watch: bool = False,
    home: Home | None = None,
    searches: Sequence[Path] = (),
) -> FastAPI:
    """The whole server as an ASGI application.

    Parameters
    ----------
    models, served : bundles to predict with, and runs to show.
    bounds : limits on every request.
    hosts : accepted host names; None for any, which requires a token.
    token : required in every request, or None.
    public : addresses under which a proxy makes the server known.
    allow_origins : origins of other pages that may use the API.
    watch : reload a bundle that is replaced on disk.
    home : where clients may train and keep pictures; None for nowhere.
    searches : studies to show, besides those in the home folder.
    """
    assert hosts is not None or token is not None, "either host names or a token must protect it"
    metrics = Metrics()
    # It warns of every broken form, so clients could fill the log.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)

    app = FastAPI(
        title="bakeoff",
        summary="Trained picture classifiers, side by side.",
        version=__version__,
        lifespan=partial(_lifespan, models, watch, bounds.answer_seconds),
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        middleware=_middleware(metrics, bounds, hosts, token, public, allow_origins),
    )
    app.state.models = models
    app.state.runs = served
    app.state.bounds = bounds
    app.state.home = home
    app.state.jobs = Jobs()
    app.state.ending = lambda: False  # the process that runs the server replaces it
    app.state.studies = Studies(searches, home.studies if home else None)
    app.state.sets = Sets(home.sets if home else None, bounds)
    app.state.metrics = metrics
    for room in (predict, explain, runs, examples, share, studies, search, train, sets, label, oip):
        app.include_router(room.router)

    _add_health(app, metrics, models)
    page.serve(app)  # last: it matches every remaining path
    _add_error_handlers(app)
    return app


def _middleware(
    metrics: Metrics,
    bounds: Bounds,
    hosts: Sequence[str] | None,
    token: str | None,
    public: Sequence[PublicUrl],
    allow_origins: Sequence[str],
) -> list[Middleware]:
    """What every request passes, from the outside in; see `create_app`."""
    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=allow_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        allow_private_network=True,  # a page of the web that asks this machine
        expose_headers=["Content-Disposition", "Inference-Header-Content-Length", "Retry-After"],
    )
    guard = Middleware(
        Guard,
        hosts=None if hosts is None else [*hosts, *(url.host for url in public)],
        token=token,
        origins=[*(url.origin for url in public), *allow_origins],
    )
    return [
        Middleware(BelowPath, prefixes=[url.prefix for url in public]),
        Middleware(AnswerHead),
        Middleware(Measure, metrics=metrics),
        *([cross_origin] if allow_origins else []),
        guard,
        Middleware(RequestLimit),
        Middleware(BodyLimit, bounds=bounds),
        Middleware(KeepInMemory, bounds=bounds),
        Middleware(UnpackBody, bounds=bounds),
    ]


@asynccontextmanager
async def _lifespan(
    models: Models, watch: bool, answer_seconds: float, _: FastAPI
) -> AsyncIterator[None]:
    watching = [asyncio.create_task(models.end_slow(answer_seconds))]
    if watch:
        watching.append(asyncio.create_task(models.watch()))
    models.join()
    yield
    for task in watching:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    models.close()


def _add_health(app: FastAPI, metrics: Metrics, models: Models) -> None:
    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """Whether the server is running."""
        return {"status": "ok"}

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def show_metrics() -> Response:
        """Metrics for Prometheus."""
        text = metrics.text(models)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response(request.url.path)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return Problem.invalid(422, error).response(request.url.path)

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> Response:
        return Problem.of(error).response(request.url.path)

    @app.exception_handler(Exception)
    async def bug(request: Request, _: Exception) -> Response:
        # Starlette logs its traceback afterwards.
        problem = Problem(500, say("error.failed"))
        return problem.response(request.url.path)
