"""Share a run: its models as a static page, as a zip or published below /s/ of this server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, RedirectResponse

from bakeoff.bundle.bundle import find_bundles
from bakeoff.bundle.web import EXAMPLES, export_web
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.said import say
from bakeoff.server.bodies import REFUSALS
from bakeoff.server.home import Home, delete_folder, home_of
from bakeoff.server.limits import Problem
from bakeoff.server.runs import run_of

__all__ = ["Shared", "router"]

router = APIRouter(tags=["share"])

INDEX = "index.html"
# The static page's own, as a header: a worker takes the policy of its script's response.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
Approaches = Annotated[
    list[str] | None, Query(alias="approach", description="Which models; default: all.")
]
Teachable = Annotated[
    bool,
    Query(description="Whether visitors can teach more classes and pictures to what can learn."),
]
Examples = Annotated[
    bool | None,
    Query(
        description="Whether visitors see up to eight small pictures of the set; default: only "
        "those of a named set."
    ),
]


class Shared(BaseModel):
    """A published page."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    path: str
    """Its address below that of the server, such as ``s/digits/``."""
    models: list[str]
    examples: int
    """How many pictures of the set it shows."""


@router.get("/api/runs/{name}/page.zip", response_class=FileResponse, responses=REFUSALS)
async def packed(
    request: Request,
    name: str,
    approach: Approaches = None,
    teachable: Teachable = False,
    examples: Examples = None,
) -> FileResponse:
    """The run's models as a static page, in a zip: for any web host, needing no server."""
    run = run_of(request, name)

    def made() -> Path:
        with _exported(run, approach, teachable=teachable, examples=examples) as folder:
            number, path = tempfile.mkstemp(suffix=".zip", prefix="bakeoff-")
            os.close(number)
            return Path(shutil.make_archive(path.removesuffix(".zip"), "zip", folder))

    path = await asyncio.to_thread(made)
    return FileResponse(
        path,
        media_type="application/zip",
        filename=f"{name}.zip",
        background=BackgroundTask(path.unlink),
    )


@router.get("/api/runs/{name}/shared", responses=REFUSALS)
def shared(request: Request, name: str) -> Shared | None:
    """Where the run is published; null if it is not."""
    run_of(request, name)
    home: Home | None = request.app.state.home
    if home is None or not (home.shared / name / INDEX).is_file():
        return None
    return _described(home, name)


@router.post("/api/runs/{name}/shared", status_code=201, responses=REFUSALS)
async def publish(
    request: Request,
    name: str,
    approach: Approaches = None,
    teachable: Teachable = False,
    examples: Examples = None,
) -> Shared:
    """Publish the run's models as a page below /s/, which needs no token; replaces an older one."""
    home, run = home_of(request), run_of(request, name)

    def made() -> None:
        home.shared.mkdir(parents=True, exist_ok=True)
        _export(run, approach, home.shared / name, teachable=teachable, examples=examples)

    await asyncio.to_thread(made)
    return _described(home, name)


@router.delete(
    "/api/runs/{name}/shared", status_code=204, response_class=Response, responses=REFUSALS
)
def withdraw(request: Request, name: str) -> None:
    """Remove the published page."""
    home = home_of(request)
    run_of(request, name)
    if not (home.shared / name).is_dir():
        raise Problem(404, say("error.notPublished", name=name))
    delete_folder(home.shared / name)


@router.get("/s/{name}", include_in_schema=False)
def folder(name: str) -> Response:
    """The addresses in the page are relative to a folder."""
    return RedirectResponse(f"{name}/")


@router.get("/s/{name}/{path:path}", include_in_schema=False)
def file(request: Request, name: str, path: str) -> FileResponse:
    """A file of a published page. Looked up, never joined: names come from clients."""
    home: Home | None = request.app.state.home
    wanted = path or INDEX
    found = home and next(
        (one for one in _files(home.shared, name) if one.parts == (name, *Path(wanted).parts)), None
    )
    if not home or not found:
        raise Problem(404, say("error.pageGone"))
    return FileResponse(
        home.shared / found,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
    )


def _files(root: Path, name: str) -> Iterator[Path]:
    """All regular files of the page of this name, relative to `root`; no links."""
    pages = (page for page in root.iterdir() if page.name == name) if root.is_dir() else ()
    for page in pages:
        for path in page.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root)


def _described(home: Home, name: str) -> Shared:
    models = sorted(path.name for path in (home.shared / name / "models").iterdir())
    try:
        shown = json.loads((home.shared / name / EXAMPLES).read_bytes())
    except FileNotFoundError:  # a page of an older version
        shown = []
    return Shared(path=f"s/{name}/", models=models, examples=len(shown))


def _export(
    run: RunFolder,
    approaches: Sequence[str] | None,
    out: Path,
    *,
    teachable: bool,
    examples: bool | None,
) -> None:
    bundles = find_bundles(run.path)
    chosen = [one for one in bundles if approaches is None or one.name in approaches]
    if not bundles or (approaches and len(chosen) < len(set(approaches))):
        missing = set(approaches or ()) - {one.name for one in chosen}
        of = f" of {', '.join(sorted(missing))}" if missing else ""
        raise Problem(409, say("error.runNoModelOf", of=of))
    try:
        export_web(chosen, out, teachable=teachable, examples=examples)
    except BakeoffError as error:
        raise Problem.because(409, error) from None


@contextmanager
def _exported(
    run: RunFolder, approaches: Sequence[str] | None, *, teachable: bool, examples: bool | None
) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bakeoff-") as parent:
        _export(run, approaches, Path(parent) / "page", teachable=teachable, examples=examples)
        yield Path(parent) / "page"
