"""Start, stop, resume and delete searches for settings: what changes `/api/studies`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bakeoff.record.config import Budget, RunOptions
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import holder
from bakeoff.record.study import SearchOptions
from bakeoff.record.studyfolder import STUDY, StudyFolder
from bakeoff.said import say
from bakeoff.server.choices import trainable
from bakeoff.server.home import Home, delete_folder, home_of, name_checked
from bakeoff.server.jobs import SEARCH
from bakeoff.server.limits import Problem
from bakeoff.server.studies import Studies, StudySummary, study_of, summary_of_study
from bakeoff.server.train import REFUSALS, jobs_of, refuse_second, source_of, stamped

__all__ = ["NewSearch", "router"]

router = APIRouter(prefix="/api/studies", tags=["studies"])

OF_RUN = RunOptions.model_fields


class NewSearch(SearchOptions):
    """A search to start: on which set, of whose settings, and how, as for `bakeoff tune`.

    `name` is that of the study, by default the set's with the time.
    """

    set: Annotated[str, Field(min_length=1, max_length=200)]
    approaches: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)] = ("cnn",)
    name: Annotated[str | None, Field(max_length=100)] = None
    group: Annotated[str | None, OF_RUN["group"]] = None
    label: Annotated[str | None, OF_RUN["label"]] = None
    keep_groups: Annotated[bool | None, OF_RUN["keep_groups"]] = None
    folds: Annotated[int, Field(ge=2, le=1000, description=OF_RUN["folds"].description)] = 5
    budget: Annotated[Budget, OF_RUN["budget"]] = "standard"
    seed: Annotated[int, OF_RUN["seed"]] = 0

    def arguments(self, source: str, folder: Path) -> list[str]:
        """The command that does it. Values are joined to their options, so none is read as one."""
        wanted = {
            "trials": self.trials,
            "time": None if self.seconds is None else f"{self.seconds:.0f}s",
            "aim": ",".join(self.aims),
            "inner": self.inner,
            "group": self.group,
            "label": self.label,
            "folds": self.folds,
            "budget": self.budget,
            "seed": self.seed,
            "out": folder,
        }
        options = [f"--{name}={value}" for name, value in wanted.items() if value is not None]
        options += [f"--approach={name}" for name in self.approaches]
        if self.keep_groups is not None:
            options.append("--keep-groups" if self.keep_groups else "--mix-groups")
        return ["tune", source, *options]


class StartedSearch(BaseModel):
    """The study that was started."""

    study: str


@router.post("", status_code=201, responses=REFUSALS)
async def start(request: Request, asked: NewSearch) -> StartedSearch:
    """Start a search, in a process that goes on when this server ends."""
    home = home_of(request)
    source = await asyncio.to_thread(
        source_of, request, asked.set, asked.approaches, asked.group, asked.label
    )
    name = name_checked(asked.name, "study") if asked.name else stamped(asked.set)
    refuse_second(request, home)
    folder = home.studies / name
    studies: Studies = request.app.state.studies
    if name in studies or folder.exists():
        raise Problem(409, say("error.studyExists", name=name))
    jobs_of(request).begin(folder, asked.arguments(source, folder))
    return StartedSearch(study=name)


@router.post("/{name}/cancel", responses=REFUSALS)
async def cancel(request: Request, name: str) -> StudySummary | None:
    """Stop a search, which can be resumed; answered when it has stopped, some seconds at most."""
    home_of(request)
    study = study_of(request, name)
    if holder(study.path) is None:
        raise Problem(409, say("error.searchNotAtWork"))
    await asyncio.shield(jobs_of(request).cancel(RunFolder(study.path)))
    return summary_of_study(name, study)


@router.post("/{name}/resume", responses=REFUSALS)
async def resume(request: Request, name: str) -> StudySummary | None:
    """Continue a search that was stopped; finished trials are kept."""
    study = _own(request, name)
    refuse_second(request, home_of(request))
    if not (study.path / SEARCH).is_file():
        raise Problem(409, say("error.searchNeverBegan"))
    if (study.path / STUDY).is_file() and study.results().finished is not None:
        raise Problem(409, say("error.searchFinished"))
    if reason := trainable():
        raise Problem(409, reason)
    jobs_of(request).begin(study.path, ["tune", f"--resume={study.path}"])
    return summary_of_study(name, study)


@router.delete("/{name}", status_code=204, response_class=Response, responses=REFUSALS)
async def delete(request: Request, name: str) -> None:
    """Delete a study of this server's folder for ever."""
    study = _own(request, name)
    if holder(study.path) is not None:
        raise Problem(409, say("error.searchAtWork"))
    await asyncio.to_thread(delete_folder, study.path)


def _own(request: Request, name: str) -> StudyFolder:
    """A study that may be changed: one in this server's folder."""
    home: Home = home_of(request)
    study = study_of(request, name)
    if study.path.parent != home.studies:
        raise Problem(409, say("error.runElsewhere", name=name))
    return study
