"""`/api/runs`: what the report of a run shows, and a run in progress as it goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.results import Results
from bakeoff.report.view import Sheets, View, view_of
from bakeoff.server.events import stream
from bakeoff.server.limits import Problem
from bakeoff.server.summary import RunSummary, summary_of

__all__ = ["Runs", "folders_with", "free_name", "router", "run_of"]

router = APIRouter(prefix="/api/runs", tags=["runs"])

# The report brings its own, stricter policy; the sandbox keeps it from acting as this server.
REPORT_POLICY = "sandbox allow-scripts allow-popups"
KEPT = {"Cache-Control": "private, max-age=3600"}  # the pictures of a run never change


class Runs(Mapping[str, RunFolder]):
    """Runs by name. A client's name is looked up here, and never becomes a path.

    Parameters
    ----------
    paths : runs that are always there.
    home : a folder whose runs are there too, as they come and go.
    """

    def __init__(self, paths: list[Path], home: Path | None = None) -> None:
        self._named: dict[str, RunFolder] = {}
        for path in paths:
            run = RunFolder.open(path.resolve())
            self._named[free_name(run.path.name, self._named)] = run
        self._home = home

    def __getitem__(self, name: str) -> RunFolder:
        return self.all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def name_of(self, path: Path) -> str | None:
        """The name of the run at `path`, or None."""
        return next((name for name, run in self.all().items() if run.path == path), None)

    def at_home(self, run: RunFolder) -> bool:
        """Whether a run lies in the server's own folder."""
        return run.path.parent == self._home

    def all(self) -> dict[str, RunFolder]:
        """All of them, as they are at this moment."""
        found = dict(self._named)
        named = {run.path for run in self._named.values()}
        # One that has only just been started has a log alone.
        for path in folders_with(self._home, "run.json", LOG):
            if path not in named:
                found[free_name(path.name, found)] = RunFolder(path)
        return found


def folders_with(home: Path | None, *files: str) -> list[Path]:
    """The folders that lie in `home` and hold any of these files, by name."""
    if home is None or not home.is_dir():
        return []
    with os.scandir(home) as entries:
        folders = [Path(one.path) for one in entries if one.is_dir() and one.name[0] != "."]
    return sorted(one for one in folders if any((one / f).is_file() for f in files))


def free_name(name: str, taken: Mapping[str, object]) -> str:
    """The name, or where it is taken the first of "name 2", "name 3" … that is not."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def run_of(request: Request, name: str) -> RunFolder:
    """The run of that name.

    Raises
    ------
    Problem
        404: there is none.
    """
    run: RunFolder | None = request.app.state.runs.get(name)
    if run is None:
        raise Problem(404, f"There is no run {name[:100]!r}.", lists="/api/runs")
    return run


@router.get("")
def listed(request: Request) -> list[RunSummary]:
    """The runs that were named when the server started, and those in its folder, newest first."""
    runs: Runs = request.app.state.runs
    found = [
        summary_of(name, run, request.app.state.jobs, home=runs.at_home(run))
        for name, run in runs.all().items()
    ]
    return sorted(found, key=lambda one: one.created or "", reverse=True)


@router.get("/{name}")
def results(request: Request, name: str) -> Results:
    """All that was found, as in results.json."""
    try:
        return run_of(request, name).results()
    except BakeoffError as error:
        raise Problem(409, str(error)) from None


@router.get("/{name}/report", response_class=FileResponse)
def report(request: Request, name: str) -> FileResponse:
    """The report of a finished run, as a page."""
    path = run_of(request, name).path / "report.html"
    if not path.is_file():
        raise Problem(404, "This run has no report yet. It is written when the run is finished.")
    return FileResponse(path, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/{name}/view")
def view(request: Request, name: str) -> View:
    """What the page shows: the figures, and for every picture what each approach said."""
    run = run_of(request, name)
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
    paths = run_of(request, name).sheets().paths
    if not (0 <= number < len(paths) and paths[number].is_file()):
        raise Problem(404, f"There is no sheet {number}. This run has {len(paths)}, from 0 on.")
    return FileResponse(paths[number], media_type="image/webp", headers=KEPT)


@router.get("/{name}/tables/{table}", response_class=FileResponse)
def table(
    request: Request,
    name: str,
    table: Literal["mistakes", "corrections", "learning", "robustness"],
) -> FileResponse:
    """A table of the run as a CSV: its mistakes, or corrections to its labels to look through."""
    path = run_of(request, name).path / f"{table}.csv"
    if not path.is_file():
        raise Problem(404, f"This run has no {path.name}. Not every run is asked for it.")
    return FileResponse(path, media_type="text/csv", filename=path.name)


@router.get("/{name}/events", response_class=StreamingResponse)
async def events(
    request: Request, name: str, last_event_id: Annotated[int | None, Header(ge=0)] = None
) -> StreamingResponse:
    """What happens in the run, as server-sent events, from the first or from the last one seen.

    Ends after "run finished", or after "run stopped" with `status` and `why` where it ended early.
    """
    start = 0 if last_event_id is None else last_event_id + 1
    state = request.app.state
    lines = stream(run_of(request, name), state.jobs, start, state.ending)
    return StreamingResponse(lines, media_type="text/event-stream")
