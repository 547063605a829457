"""`/api/runs`: results, pictures and reports of runs, and the events of a run in progress."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse

from bakeoff.errors import BakeoffError
from bakeoff.record.events import RunEvent
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.results import Results
from bakeoff.report.view import Sheets, View, view_of
from bakeoff.said import say
from bakeoff.server.events import EventStream, stream
from bakeoff.server.jobs import Jobs
from bakeoff.server.limits import Problem
from bakeoff.server.summary import RunSummary, summary_or_why_not

__all__ = ["Runs", "folders_with", "free_name", "router", "run_of", "run_on"]

router = APIRouter(prefix="/api/runs", tags=["runs"])

# The report has its own, stricter policy; the sandbox gives it an origin of its own.
REPORT_POLICY = "sandbox allow-scripts allow-popups"
CACHED = {"Cache-Control": "private, max-age=3600"}  # the pictures of a run never change


class Runs(Mapping[str, RunFolder]):
    """Runs by name. A client's name is looked up here, and never becomes a path.

    Parameters
    ----------
    paths : runs that are always included.
    home : a folder whose current runs are included too.
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

    def add(self, path: Path) -> str:
        """Include a run that is only just beginning, and return its name."""
        if (known := self.name_of(path)) is not None:
            return known
        name = free_name(path.name, self.all())
        self._named[name] = RunFolder(path)
        return name

    def name_of(self, path: Path) -> str | None:
        """The name of the run at `path`, or None."""
        return next((name for name, run in self.all().items() if run.path == path), None)

    def at_home(self, run: RunFolder) -> bool:
        """Whether a run is in the server's own folder."""
        return run.path.parent == self._home

    def all(self) -> dict[str, RunFolder]:
        """All current runs."""
        runs = dict(self._named)
        named = {run.path for run in self._named.values()}
        # A run that has just started has only a log.
        for path in folders_with(self._home, "run.json", LOG):
            if path not in named:
                runs[free_name(path.name, runs)] = RunFolder(path)
        return runs


def folders_with(home: Path | None, *files: str) -> list[Path]:
    """The folders in `home` with any of these files, by name."""
    if home is None or not home.is_dir():
        return []
    with os.scandir(home) as entries:
        folders = [Path(entry.path) for entry in entries if entry.is_dir() and entry.name[0] != "."]
    return sorted(path for path in folders if any((path / name).is_file() for name in files))


def free_name(name: str, taken: Mapping[str, object]) -> str:
    """The name or, if it is taken, the first free one of "name 2", "name 3" …"""
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
        404: there is no such run.
    """
    run: RunFolder | None = request.app.state.runs.get(name)
    if run is None:
        raise Problem(404, say("error.noRun", name=repr(name[:100])), lists="/api/runs")
    return run


def run_on(request: Request, source: Path) -> str | None:
    """The name of a run at work that reads its pictures from a file or folder, if there is one."""
    jobs: Jobs = request.app.state.jobs
    for name, run in request.app.state.runs.all().items():
        if jobs.status(run) == "running" and jobs.source(run) == str(source):
            return str(name)
    return None


@router.get("")
def listed(request: Request) -> list[RunSummary]:
    """The runs named when the server started and those in its folder, newest first."""
    runs: Runs = request.app.state.runs
    summaries = [
        summary_or_why_not(name, run, request.app.state.jobs, home=runs.at_home(run))
        for name, run in runs.all().items()
    ]
    return sorted(summaries, key=lambda summary: summary.created or "", reverse=True)


@router.get("/{name}")
def results(request: Request, name: str) -> Results:
    """The contents of results.json; of a run that goes on, those of the approaches scored so far.

    `preliminary` says what is still to come; it is null for a finished run.
    """
    try:
        return run_of(request, name).latest_results()
    except BakeoffError as error:
        raise Problem.because(409, error) from None


@router.get("/{name}/report", response_class=FileResponse)
def report(request: Request, name: str) -> FileResponse:
    """The report of a finished run, an HTML page."""
    path = run_of(request, name).path / "report.html"
    if not path.is_file():
        raise Problem(404, say("error.noReport"))
    return FileResponse(path, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/{name}/view")
def view(request: Request, name: str) -> View:
    """The data of the page: results so far, and every approach's answer for every picture."""
    run = run_of(request, name)
    try:
        small = run.sheets()
        urls = [f"/api/runs/{quote(name, safe='')}/sheets/{n}" for n in range(len(small.paths))]
        text = view_of(run, Sheets(tile=small.tile, urls=urls, rows=None)).model_dump_json()
    except BakeoffError as error:
        raise Problem.because(409, error) from None
    # As text: FastAPI would validate and copy megabytes again.
    return Response(text, media_type="application/json")  # type: ignore[return-value]


@router.get("/{name}/sheets/{number}", response_class=FileResponse)
def sheet(request: Request, name: str, number: int) -> FileResponse:
    """A WebP of 256 thumbnails, sixteen in a row, beginning with picture 256 × number."""
    paths = run_of(request, name).sheets().paths
    if not (0 <= number < len(paths) and paths[number].is_file()):
        raise Problem(404, say("error.noSheet", number=number, n=len(paths)))
    return FileResponse(paths[number], media_type="image/webp", headers=CACHED)


@router.get("/{name}/tables/{table}", response_class=FileResponse)
def table(
    request: Request,
    name: str,
    table: Literal["mistakes", "corrections", "learning", "robustness", "brittleness"],
) -> FileResponse:
    """A table of the run as a CSV: mistakes, label corrections, learning curves, or robustness.

    "brittleness" is the former name of "robustness".
    """
    table = "robustness" if table == "brittleness" else table
    folder = run_of(request, name).path
    path = folder / f"{table}.csv"
    if table == "robustness" and not path.is_file():
        path = folder / "brittleness.csv"  # its name in older runs
    if not path.is_file():
        raise Problem(404, say("error.noTable", name=table))
    return FileResponse(path, media_type="text/csv", filename=f"{table}.csv")


@router.get("/{name}/events", response_class=EventStream, responses={200: {"model": RunEvent}})
async def events(
    request: Request, name: str, last_event_id: Annotated[int | None, Header(ge=0)] = None
) -> EventStream:
    """The events of a run as server-sent events, from the first or after Last-Event-ID.

    The stream ends after "run finished", or after "run stopped" with `status` and `why` if the run
    ended early.
    """
    start = 0 if last_event_id is None else last_event_id + 1
    state = request.app.state
    lines = stream(run_of(request, name), state.jobs, start, state.ending)
    return EventStream(lines)
