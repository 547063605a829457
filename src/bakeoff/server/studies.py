"""`/api/studies`: searches of settings, finished or going on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from bakeoff.errors import BakeoffError
from bakeoff.record.study import Search, StudyResults
from bakeoff.record.studyfolder import SETTINGS, STUDY, TRIALS, StudyFolder, StudyState
from bakeoff.report.study import StudyView, study_view_of
from bakeoff.server.limits import Problem
from bakeoff.server.runs import folders_with, free_name

__all__ = ["Studies", "StudySummary", "router"]

router = APIRouter(prefix="/api/studies", tags=["studies"])


class SearchSummary(BaseModel):
    """The search of one approach in one line.

    `done` are the trials that are not running any more, of so many `wanted`; `accuracy` is the
    best of their own, which flatters.
    """

    name: str
    title: str
    done: int
    wanted: int
    accuracy: float | None


class StudySummary(BaseModel):
    """A study in one line.

    `changed` is when it last had something new. A "damaged" study cannot be read; `why` says why.
    """

    name: str
    state: StudyState | Literal["damaged"]
    changed: str
    dataset: str | None = None
    source: str | None = None
    created: str | None = None
    finished: str | None = None
    searches: list[SearchSummary] = []
    why: str | None = None


class Studies(Mapping[str, StudyFolder]):
    """Studies by name. A client's name is looked up here, and never becomes a path.

    Parameters
    ----------
    paths : studies that are always there.
    home : a folder whose studies are there too, as they come and go.

    Raises
    ------
    BakeoffError
        One of the paths is no study.
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
        """All of them, as they are at this moment."""
        found = dict(self._named)
        named = {study.path for study in self._named.values()}
        for path in folders_with(self._home, STUDY):
            if path not in named:
                found[free_name(path.name, found)] = StudyFolder(path)
        return found


def study_of(request: Request, name: str) -> StudyFolder:
    """The study of that name.

    Raises
    ------
    Problem
        404: there is none.
    """
    studies: Studies = request.app.state.studies
    study = studies.get(name)
    if study is None:
        raise Problem(404, f"There is no study {name[:100]!r}.", lists="/api/studies")
    return study


@router.get("")
def listed(request: Request) -> list[StudySummary]:
    """The studies that were named when the server started, and those in its folder.

    Newest first.
    """
    studies: Studies = request.app.state.studies
    found = filter(None, (_summary(name, study) for name, study in studies.all().items()))
    return sorted(found, key=lambda one: one.created or one.changed, reverse=True)


@router.get("/{name}")
def view(request: Request, name: str) -> StudyView:
    """All that was tried and found up to now, and how the search stands."""
    try:
        found = study_view_of(study_of(request, name))
    except BakeoffError as error:
        raise Problem(409, str(error)) from None
    # As text at once: it was just checked, and can be megabytes.
    return Response(found.model_dump_json(), media_type="application/json")  # type: ignore[return-value]


@router.get("/{name}/settings", response_class=FileResponse)
def settings(request: Request, name: str) -> FileResponse:
    """The settings that were picked, as `bakeoff run --settings` takes them."""
    return _file(study_of(request, name), SETTINGS, "application/toml")


@router.get("/{name}/table", response_class=FileResponse)
def table(request: Request, name: str) -> FileResponse:
    """All trials as a CSV."""
    return _file(study_of(request, name), TRIALS, "text/csv")


def _file(study: StudyFolder, name: str, kind: str) -> FileResponse:
    path = study.path / name
    if not path.is_file():
        raise Problem(404, f"This study has no {name} yet. Wait until its search is finished.")
    return FileResponse(path, media_type=kind, filename=name)


def _summary(name: str, study: StudyFolder) -> StudySummary | None:
    try:
        found = (study.path / STUDY).stat()
    except OSError:  # it was deleted a moment ago
        return None
    changed = datetime.fromtimestamp(found.st_mtime, UTC).isoformat()
    try:
        results, searches = _read(study, (found.st_mtime_ns, found.st_size))
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


@lru_cache(maxsize=100)
def _read(study: StudyFolder, _: tuple[int, int]) -> tuple[StudyResults, list[SearchSummary]]:
    """What is in study.json, kept until it changes; without its trials, which can be megabytes."""
    results = study.results()
    searches = [_search(one) for one in results.searches]
    return results.model_copy(update={"searches": []}), searches


def _search(search: Search) -> SearchSummary:
    scores = [one.accuracy for one in search.trials if one.accuracy is not None]
    return SearchSummary(
        name=search.name,
        title=search.title,
        done=sum(one.state != "running" for one in search.trials),
        wanted=search.wanted,
        accuracy=max(scores, default=None),
    )
