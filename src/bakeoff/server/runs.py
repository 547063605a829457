"""`/api/runs`: what the report of a run shows, and a run in progress as it goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Results
from bakeoff.report.view import Sheets, View, view_of
from bakeoff.server.limits import Problem

__all__ = ["Runs", "router"]

router = APIRouter(prefix="/api/runs", tags=["runs"])

LOOK_EVERY = 0.3  # seconds between looks for new events
QUIET = 15.0  # seconds after which a line without meaning keeps the connection open
# The report brings its own, stricter policy; the sandbox keeps it from acting as this server.
REPORT_POLICY = "sandbox allow-scripts allow-popups"

KEPT = {"Cache-Control": "private, max-age=3600"}  # the pictures of a run never change


class Runs(Mapping[str, RunFolder]):
    """Runs by name. A client's name is looked up here, and never becomes a path."""

    def __init__(self, paths: list[Path]) -> None:
        self._runs: dict[str, RunFolder] = {}
        for path in paths:
            name, number = path.resolve().name, 1
            while name in self._runs:
                number += 1
                name = f"{path.resolve().name} {number}"
            self._runs[name] = RunFolder.open(path)

    def __getitem__(self, name: str) -> RunFolder:
        return self._runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)


class RunSummary(BaseModel):
    """A run in one line."""

    name: str
    finished: bool
    dataset: str | None
    winner: str | None
    why: str | None


def _run(request: Request, name: str) -> RunFolder:
    runs: Runs = request.app.state.runs
    if name not in runs:
        raise Problem(404, f"there is no run {name[:100]!r}. GET /api/runs lists them.")
    return runs[name]


@router.get("")
def listed(request: Request) -> list[RunSummary]:
    """The runs that were named when the server started."""
    return [_summary(name, run) for name, run in request.app.state.runs.items()]


@router.get("/{name}")
def results(request: Request, name: str) -> Results:
    """All that was found, as in results.json."""
    try:
        return _run(request, name).results()
    except BakeoffError as error:
        raise Problem(409, str(error)) from None


@router.get("/{name}/report", response_class=FileResponse)
def report(request: Request, name: str) -> FileResponse:
    """The report of a finished run, as a page."""
    path = _run(request, name).path / "report.html"
    if not path.is_file():
        raise Problem(404, "this run has no report yet. It is written when the run is finished.")
    return FileResponse(path, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/{name}/view")
def view(request: Request, name: str) -> View:
    """What the page shows: the figures, and for every picture what each approach said."""
    run = _run(request, name)
    try:
        small = run.sheets()
        urls = [f"/api/runs/{quote(name, safe='')}/sheets/{n}" for n in range(len(small.paths))]
        found = view_of(run, Sheets(tile=small.tile, urls=urls, rows=None))
    except BakeoffError as error:
        raise Problem(409, str(error)) from None
    # As text at once: it was just checked, and can be megabytes.
    return Response(found.model_dump_json(), media_type="application/json")  # type: ignore[return-value]


@router.get("/{name}/sheets/{number}", response_class=FileResponse)
def sheet(request: Request, name: str, number: int) -> FileResponse:
    """Small pictures of 256 rows, sixteen across, from row 256 × number on, as WebP."""
    paths = _run(request, name).sheets().paths
    if not (0 <= number < len(paths) and paths[number].is_file()):
        raise Problem(404, f"there is no sheet {number}. This run has {len(paths)}, from 0 on.")
    return FileResponse(paths[number], media_type="image/webp", headers=KEPT)


@router.get("/{name}/events", response_class=StreamingResponse)
async def events(
    request: Request, name: str, last_event_id: Annotated[int | None, Header(ge=0)] = None
) -> StreamingResponse:
    """What happens in the run, as server-sent events, from the first or from the last one seen.

    Ends after "run finished".
    """
    lines = _lines(_run(request, name), start=0 if last_event_id is None else last_event_id + 1)
    return StreamingResponse(lines, media_type="text/event-stream")


async def _lines(run: RunFolder, start: int) -> AsyncIterator[str]:
    place, quiet = start, 0.0
    while True:
        fresh = await asyncio.to_thread(_events_from, run, place)
        for event in fresh:
            yield f"id: {place}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n"
            place += 1
            if event["event"] == "run finished":
                return
        quiet = 0.0 if fresh else quiet + LOOK_EVERY
        if quiet >= QUIET:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY)


def _events_from(run: RunFolder, place: int) -> list[dict[str, Any]]:
    return list(run.events())[place:]


def _summary(name: str, run: RunFolder) -> RunSummary:
    try:
        found = run.results()
    except BakeoffError:
        return RunSummary(name=name, finished=False, dataset=None, winner=None, why=None)
    return RunSummary(
        name=name,
        finished=True,
        dataset=found.dataset.name,
        winner=found.winner.name,
        why=found.winner.why,
    )
