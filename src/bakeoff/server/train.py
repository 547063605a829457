"""`/api/training` and what changes a run: start, cancel, resume, delete, and serve its models."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bakeoff.approaches.own import own_name
from bakeoff.approaches.registry import APPROACHES
from bakeoff.bundle.bundle import find_bundles
from bakeoff.data.catalog import at_hand, is_named
from bakeoff.data.correction import Correction
from bakeoff.data.grouping import parse_grouping
from bakeoff.data.labelling import parse_labelling
from bakeoff.errors import BakeoffError, InputError
from bakeoff.record.config import ApproachConfig, RunConfig, RunOptions
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import holder
from bakeoff.said import say
from bakeoff.server.bodies import PROBLEM
from bakeoff.server.children import said_by
from bakeoff.server.choices import Choices, choices_of, trainable
from bakeoff.server.home import Home, delete_folder, home_of, name_checked
from bakeoff.server.jobs import Jobs, log_lines
from bakeoff.server.limits import Problem
from bakeoff.server.models import Models
from bakeoff.server.predict import ModelInfo, model_infos
from bakeoff.server.runs import Runs, run_of
from bakeoff.server.sets.store import Sets
from bakeoff.server.sets.summary import is_editable
from bakeoff.server.studies import Studies
from bakeoff.server.summary import RunSummary, summary_of

__all__ = ["jobs_of", "refuse_second", "router", "source_of", "stamped"]

router = APIRouter(prefix="/api", tags=["training"])

LOG_LINES = 200

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: PROBLEM | {"description": "Something asked does not fit."},
    403: PROBLEM | {"description": "Training and sets are off on this server."},
    404: PROBLEM | {"description": "There is no such run or set."},
    409: PROBLEM | {"description": "It cannot be done now; `detail` says what to do first."},
}


class Training(RunOptions):
    """What to train, on what, and how to score it: the options of a run, and a set.

    `set` is one kept here or a named one; its summary says the `group` that fits it.
    """

    set: Annotated[str, Field(min_length=1, max_length=200)]
    approaches: Annotated[
        tuple[ApproachConfig, ...],
        Field(min_length=1, max_length=20, description="The approaches of the run, in this order."),
    ] = RunOptions.model_fields["approaches"].default

    @model_validator(mode="before")
    @classmethod
    def _refuse_files(cls, asked: Any) -> Any:
        """A file of a user's own model is code that would run here, no matter who sent its name."""
        approaches = asked.get("approaches") if isinstance(asked, dict) else None
        for approach in approaches if isinstance(approaches, list) else ():
            named = approach.get("name") if isinstance(approach, dict) else approach
            own = isinstance(approach, dict) and approach.get("own") is not None
            if own or (isinstance(named, str) and own_name(named) is not None):
                raise InputError(
                    f"approach {str(named)[:100]}",
                    "is a file, and a server runs no code that a request names",
                    "Train it on the command line: bakeoff run SET --approach my_net.py:MyNet",
                )
        return asked


class NewTraining(Training):
    """A training to start; `name` is that of the run, by default the set's with the time."""

    name: Annotated[str | None, Field(max_length=100)] = None


class Fix(BaseModel):
    """What a reader found wrong with a picture of a run."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    action: Literal["relabel", "leave out", "delete"]
    """A picture that is deleted is lost; that takes a set of class folders of this server."""
    name: str
    label: str
    """Its class in the run."""
    proposed: str = ""
    """The class that it should have."""


class Retraining(BaseModel):
    """A run to repeat on corrected labels. Files stay unchanged."""

    corrections: Annotated[list[Fix], Field(min_length=1, max_length=100_000)]


class OwnSet(BaseModel):
    """The set of this server that a run was trained on."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    set: str | None
    """Null if the pictures are elsewhere, or cannot be deleted one by one."""


class Started(BaseModel):
    """The run that was started."""

    run: str


class Estimate(BaseModel):
    """Seconds that each approach would take on this machine, as busy as it is, and all of them."""

    seconds: dict[str, float]
    total: float


@router.get("/training")
def choices(request: Request) -> Choices:
    """What can be trained here: approaches, budgets and sets."""
    reason = trainable()
    try:
        running = _running(request, home_of(request))
    except Problem as problem:
        reason, running = problem.detail, None
    return choices_of(request.app.state.sets, reason=reason, running=running)


@router.post("/training/estimate", responses=REFUSALS)
async def estimate(request: Request, asked: Training) -> Estimate:
    """How long a training would take, from a taste of every part of the work; some seconds."""
    home_of(request)
    config = await asyncio.to_thread(_config, request, asked)
    async with jobs_of(request).estimating:
        return await _estimated(request, config)


@router.post("/training", status_code=201, responses=REFUSALS)
async def start(request: Request, asked: NewTraining) -> Started:
    """Start a training, in a process that goes on when this server ends."""
    home = home_of(request)
    config = await asyncio.to_thread(_config, request, asked)
    name = name_checked(asked.name, "run") if asked.name else stamped(asked.set)
    refuse_second(request, home)
    folder = home.runs / name
    if name in _runs(request) or folder.exists():
        raise Problem(409, say("error.runExists", name=name))
    jobs_of(request).start(folder, config)
    return Started(run=_runs(request).name_of(folder) or name)


@router.post("/runs/{name}/retrain", status_code=201, responses=REFUSALS)
async def retrain(request: Request, name: str, asked: Retraining) -> Started:
    """Start the same run again with corrected labels, as a new run.

    The corrections that the run itself was given stay, unless these are about the same pictures.
    Pictures to delete are removed from their set first.
    """
    home, run = home_of(request), run_of(request, name)
    if reason := trainable():
        raise Problem(409, reason)
    try:
        config = run.config
    except BakeoffError as error:
        raise Problem.because(409, error) from None
    refuse_second(request, home)
    unwanted = [fix.name for fix in asked.corrections if fix.action == "delete"]
    own = _own_set(request, config) if unwanted else None
    if unwanted and own is None:
        raise Problem(409, say("error.notOwnSet", name=name))
    corrections = _merged(config.corrections, asked.corrections)
    again = config.model_copy(update={"corrections": corrections, "fingerprint": ""})
    folder = home.runs / stamped(re.sub(r"-\d{8}-\d{6}$", "", name))
    if folder.exists():
        raise Problem(409, say("error.runExistsNow", name=folder.name))
    if own is not None:
        await asyncio.to_thread(_delete, request.app.state.sets, own, unwanted)
    jobs_of(request).start(folder, again)
    return Started(run=_runs(request).name_of(folder) or folder.name)


@router.get("/runs/{name}/set", responses=REFUSALS)
def own_set(request: Request, name: str) -> OwnSet:
    """The set of this server that a run was trained on, whose pictures can be deleted."""
    home_of(request)
    try:
        return OwnSet(set=_own_set(request, run_of(request, name).config))
    except BakeoffError:
        return OwnSet(set=None)


@router.post("/runs/{name}/cancel", responses=REFUSALS)
async def cancel(request: Request, name: str) -> RunSummary:
    """Stop a run, which can be resumed; answered when it has stopped, some seconds at most."""
    home_of(request)
    run = run_of(request, name)
    if jobs_of(request).status(run) != "running":
        raise Problem(409, say("error.runNotAtWork"))
    await asyncio.shield(jobs_of(request).cancel(run))
    return _summary(request, name, run)


@router.post("/runs/{name}/resume", responses=REFUSALS)
async def resume(request: Request, name: str) -> RunSummary:
    """Continue a run that was stopped or failed, after its last finished unit."""
    run = _own_run(request, name)
    refuse_second(request, home_of(request))
    status = jobs_of(request).status(run)
    if status == "finished":
        raise Problem(409, say("error.runFinished"))
    if not (run.path / "run.json").is_file():
        raise Problem(409, say("error.runNeverBegan"))
    if reason := trainable():
        raise Problem(409, reason)
    jobs_of(request).start(run.path, None)
    return _summary(request, name, run)


@router.post("/runs/{name}/curve", responses=REFUSALS)
async def curve(request: Request, name: str) -> RunSummary:
    """Add a learning curve to a finished run: `bakeoff curve RUN`. Nothing is trained again."""
    run = _own_run(request, name)
    refuse_second(request, home_of(request))
    if jobs_of(request).status(run) != "finished":
        raise Problem(409, say("error.runNotFinished"))
    if reason := trainable():
        raise Problem(409, reason)
    if not (run.config.folds or run.config.leave_one_group_out):
        raise Problem(409, say("error.runNoFolds"))
    jobs_of(request).begin(run.path, ["curve", str(run.path)])
    return _summary(request, name, run)


@router.delete("/runs/{name}", status_code=204, response_class=Response, responses=REFUSALS)
async def delete(request: Request, name: str) -> None:
    """Delete a run of this server's folder for ever, its models too."""
    run = _own_run(request, name)
    if jobs_of(request).status(run) == "running":
        raise Problem(409, say("error.runAtWork"))
    models: Models = request.app.state.models
    models.forget_run(run.path)
    await asyncio.to_thread(delete_folder, run.path)


@router.get("/runs/{name}/log", response_class=PlainTextResponse, responses={404: REFUSALS[404]})
def log(request: Request, name: str) -> PlainTextResponse:
    """The last 200 lines that the process of a run printed."""
    lines = log_lines(run_of(request, name), LOG_LINES)
    if lines is None:
        raise Problem(404, say("error.runNoLog"))
    return PlainTextResponse("\n".join(lines))


@router.post("/runs/{name}/models", responses={404: REFUSALS[404], 409: REFUSALS[409]})
async def load(request: Request, name: str) -> list[ModelInfo]:
    """Serve the bundles that a run has so far, and list them; replaced ones are loaded again."""
    run = run_of(request, name)
    bundles = find_bundles(run.path)
    if not bundles:
        raise Problem(409, say("error.runNoModel"))
    models: Models = request.app.state.models
    try:
        return await model_infos(request, await models.load(name, bundles))
    except BakeoffError as error:
        raise Problem.because(409, error) from None


# -- what they share ------------------------------------------------------------


def jobs_of(request: Request) -> Jobs:
    """The trainings of this server."""
    jobs: Jobs = request.app.state.jobs
    return jobs


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


def _own_run(request: Request, name: str) -> RunFolder:
    """A run that may be changed: one in this server's folder."""
    home_of(request)
    run = run_of(request, name)
    if not _runs(request).at_home(run):
        raise Problem(409, say("error.runElsewhere", name=name))
    return run


def _summary(request: Request, name: str, run: RunFolder) -> RunSummary:
    return summary_of(name, run, jobs_of(request), home=_runs(request).at_home(run))


def _running(request: Request, home: Home) -> str | None:
    """The run that trains in this server's folder, even if another process started it."""
    for name, run in _runs(request).all().items():
        if run.path.parent == home.runs and jobs_of(request).status(run) == "running":
            return name
    return None


def refuse_second(request: Request, home: Home) -> None:
    """Refuse a training or a search beside another one: they would share the processor.

    Raises
    ------
    Problem
        409: one is at work.
    """
    studies: Studies = request.app.state.studies
    searches = (
        name
        for name, study in studies.all().items()
        if study.path.parent == home.studies and holder(study.path) is not None
    )
    if running := _running(request, home) or next(searches, None):
        raise Problem(409, say("error.otherAtWork", name=running))


def _config(request: Request, asked: Training) -> RunConfig:
    """What to ask of the run; its process parses the settings, which needs torch."""
    source = source_of(request, asked.set, asked.names, asked.group, asked.label)
    if not (asked.leave_one_group_out or asked.label):
        _refuse_folds(request.app.state.sets, asked.set, asked.folds)
    options = {name: getattr(asked, name) for name in RunOptions.model_fields}
    return RunConfig(source=source, **options)


def _refuse_folds(sets: Sets, name: str, folds: int) -> None:
    """Refuse more folds than any class has pictures, before a process reads them to say so."""
    if sets.path_of(name) is None:
        return
    largest = max((one.count for one in sets.summary(name).classes), default=0)
    if largest and folds > largest:
        problem = say("folds.many", n=folds, most=largest)
        hint = say("folds.atMost", n=largest)
        raise Problem(400, say("error.parts", subject="folds", problem=problem, hint=hint))


def source_of(
    request: Request, name: str, approaches: Sequence[str], group: str | None, label: str | None
) -> str:
    """Where the pictures of a set are; its name, if it is a named one.

    Raises
    ------
    Problem
        Nothing can be trained here, there is no such set or approach, or `group` or `label` makes
        no sense.
    """
    if reason := trainable():
        raise Problem(409, reason)
    sets: Sets = request.app.state.sets
    source = sets.path_of(name)
    if source is None and not is_named(name):
        raise Problem(404, say("error.noSet", name=repr(name[:100])), lists="/api/training")
    if source is None and not at_hand(name):
        raise Problem(409, say("error.setNotFetched", name=name))
    unknown = [approach for approach in approaches if approach not in APPROACHES]
    if unknown:
        raise Problem(400, say("error.noApproach", name=repr(unknown[0])), lists="/api/training")
    try:
        if group is not None:
            parse_grouping(group)
        if label is not None:
            parse_labelling(label)
    except BakeoffError as error:
        raise Problem.because(400, error) from None
    return str(source or name)


def _own_set(request: Request, config: RunConfig) -> str | None:
    """The name of the set of class folders in the server's folder that a run reads."""
    sets: Sets = request.app.state.sets
    source = Path(config.source)
    path = sets.path_of(source.name)
    own = path is not None and path.resolve() == source.resolve() and is_editable(path)
    return source.name if own else None


def _delete(sets: Sets, name: str, pictures: Sequence[str]) -> None:
    for picture in pictures:
        with suppress(Problem):  # it is deleted already
            sets.remove(name, picture)


def _merged(before: Sequence[Correction], found: Sequence[Fix]) -> tuple[Correction, ...]:
    """Corrections of the files: the reader saw the labels that earlier ones had made."""
    merged = {one.name: one for one in before}
    for fix in found:
        if fix.action == "delete":
            merged.pop(fix.name, None)
            continue
        label = merged[fix.name].label if fix.name in merged else fix.label
        proposed = fix.proposed if fix.action == "relabel" else ""
        merged[fix.name] = Correction(fix.action, fix.name, label, proposed, why="by hand")
    # A label that is put back is no correction.
    return tuple(
        one for one in merged.values() if one.action == "leave out" or one.proposed != one.label
    )


def stamped(name: str) -> str:
    """A name with the time."""
    return f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


async def _estimated(request: Request, config: RunConfig) -> Estimate:
    arguments = ["run", "--config", "-", "--estimate", "--json"]
    said = await said_by(request, arguments, config.model_dump_json(), "Name fewer approaches.")
    return Estimate.model_validate(json.loads(said))
