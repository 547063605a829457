"""`/api/studies`: searches for settings, finished or running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.lock import holder
from bakeoff.record.study import Search, StudyResults
from bakeoff.record.studyfolder import SETTINGS, STUDY, TRIALS, StudyFolder, StudyState
from bakeoff.report.study import StudyView, study_view_of
from bakeoff.said import say
from bakeoff.server.jobs import log_lines
from bakeoff.server.limits import Problem
from bakeoff.server.runs import folders_with, free_name

__all__ = ["Studies", "StudySummary", "router", "study_of", "summary_of_study"]

router = APIRouter(prefix="/api/studies", tags=["studies"])


class SearchSummary(BaseModel):
    """A summary of the search for one approach."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    title: str
    done: int
    """Trials that are no longer running."""
    wanted: int
    """Trials that were requested."""
    accuracy: float | None
    """The best of all trials, which is optimistic."""


class StudySummary(BaseModel):
    """A summary of a study."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    state: StudyState | Literal["damaged"]
    """A "damaged" study cannot be read, or never began."""
    changed: str
    """When its file was last written, in ISO 8601."""
    dataset: str | None = None
    source: str | None = None
    created: str | None = None
    finished: str | None = None
    searches: list[SearchSummary] = []
    why: str | None = None
    """The reason, for a damaged study."""


class Studies(Mapping[str, StudyFolder]):
    """Studies by name. A client's name is looked up here, and never becomes a path.

    Parameters
    ----------
    paths : studies that are always included.
    home : a folder whose current studies are included too.

    Raises
    ------
    BakeoffError
        A path is not a study.
    """

    def __init__(self, paths: Sequence[Path], home: Path | None = None) -> None:
        self._named: dict[str, StudyFolder] = {}
        for path in paths:
            study = StudyFolder.open(path.resolve())
            self._named[free_name(study.path.name, self._named)] = study
        self._home = home

    def __getitem__(self, name: str) -> StudyFolder:
        return self.all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def all(self) -> dict[str, StudyFolder]:
        """All current studies."""
        studies = dict(self._named)
        named = {study.path for study in self._named.values()}
        for path in folders_with(self._home, STUDY, LOG):
            if path not in named:
                studies[free_name(path.name, studies)] = StudyFolder(path)
        return studies


def study_of(request: Request, name: str) -> StudyFolder:
    """The study of that name.

    Raises
    ------
    Problem
        404: there is no such study.
    """
    studies: Studies = request.app.state.studies
    study = studies.get(name)
    if study is None:
        raise Problem(404, say("error.noStudy", name=repr(name[:100])), lists="/api/studies")
    return study


@router.get("")
def listed(request: Request) -> list[StudySummary]:
    """The studies named when the server started and those in its folder, newest first."""
    studies: Studies = request.app.state.studies
    summaries = filter(
        None, (summary_of_study(name, study) for name, study in studies.all().items())
    )
    return sorted(summaries, key=lambda study: study.created or study.changed, reverse=True)


@router.get("/{name}")
def view(request: Request, name: str) -> StudyView:
    """All trials and results so far, and the state of the search."""
    try:
        text = study_view_of(study_of(request, name)).model_dump_json()
    except BakeoffError as error:
        raise Problem.because(409, error) from None
    # As text: FastAPI would validate and copy megabytes again.
    return Response(text, media_type="application/json")  # type: ignore[return-value]


@router.get("/{name}/settings", response_class=FileResponse)
def settings(request: Request, name: str) -> FileResponse:
    """The recommended settings, in a file for `bakeoff run --settings`."""
    return _file(study_of(request, name), SETTINGS, "application/toml")


@router.get("/{name}/table", response_class=FileResponse)
def table(request: Request, name: str) -> FileResponse:
    """All trials as a CSV."""
    return _file(study_of(request, name), TRIALS, "text/csv")


def _file(study: StudyFolder, name: str, kind: str) -> FileResponse:
    path = study.path / name
    if not path.is_file():
        raise Problem(404, say("error.studyNoFile", name=name))
    return FileResponse(path, media_type=kind, filename=name)


def summary_of_study(name: str, study: StudyFolder) -> StudySummary | None:
    """A summary of a study; None if it was just deleted."""
    try:
        status = (study.path / STUDY).stat()
    except OSError:
        return _beginning(name, study)
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
    try:
        results, searches = _read(study, (status.st_mtime_ns, status.st_size))
    except BakeoffError as error:
        return StudySummary(name=name, state="damaged", changed=changed, why=str(error))
    return StudySummary(
        name=name,
        state=study.state(results),
        changed=changed,
        dataset=results.name,
        source=results.source,
        created=results.created,
        finished=results.finished,
        searches=searches,
    )


def _beginning(name: str, study: StudyFolder) -> StudySummary | None:
    """A search that was started here and has no trial yet; None if it was just deleted."""
    try:
        status = (study.path / LOG).stat()
    except OSError:
        return None
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
    if holder(study.path) is not None:
        return StudySummary(name=name, state="in progress", changed=changed)
    words = [line for line in log_lines(RunFolder(study.path), 20) or [] if line.strip()]
    why = words[-1].removeprefix("bakeoff: ") if words else "It ended without a word."
    return StudySummary(name=name, state="damaged", changed=changed, why=why)


@lru_cache(maxsize=100)
def _read(study: StudyFolder, _: tuple[int, int]) -> tuple[StudyResults, list[SearchSummary]]:
    """The contents of study.json, cached until it changes; without the trials, which are large."""
    results = study.results()
    searches = [_search(search) for search in results.searches]
    return results.model_copy(update={"searches": []}), searches


def _search(search: Search) -> SearchSummary:
    scores = [trial.accuracy for trial in search.trials if trial.accuracy is not None]
    return SearchSummary(
        name=search.name,
        title=search.title,
        done=sum(trial.state != "running" for trial in search.trials),
        wanted=search.wanted,
        accuracy=max(scores, default=None),
    )
