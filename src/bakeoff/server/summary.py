"""Summaries of runs, made from their files and cached until these change."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bakeoff.bundle.bundle import find_bundles
from bakeoff.bundle.examples import has_public_pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.events import RunStarted
from bakeoff.record.folder import PRELIMINARY, RunFolder
from bakeoff.record.results import Results
from bakeoff.said import Message
from bakeoff.server.events import why_not
from bakeoff.server.jobs import Jobs, Status

__all__ = ["RunSummary", "summary_of", "summary_or_why_not"]

RESULTS = "results.json"

log = logging.getLogger("bakeoff.server")


class RunSummary(BaseModel):
    """A summary of a run."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    status: Status
    finished: bool
    home: bool
    """Whether it is in the server's own folder, where it can be resumed and deleted."""
    created: str | None = None
    dataset: str | None = None
    description: str | None = None
    description_said: Message | None = None
    """The message of the description, for other languages; null where it has none."""
    pictures: int | None = None
    classes: int | None = None
    approaches: list[str] = []
    budget: str | None = None
    winner: str | None = None
    """Null if the results cannot separate the best approaches."""
    accuracy: float | None = None
    """The best one so far, out of fold or, without folds, on the test part."""
    scored: list[str] = []
    """The approaches with results, which are preliminary until the run is finished."""
    models: list[str] = []
    """The approaches with a bundle."""
    public: bool = False
    """Whether its pictures are those of a named set, which anyone may see."""
    why: str | None = None
    """Why the winner won, or why the run failed."""
    why_said: Message | None = None
    """The message of why the run failed; null where it has none."""
    headline: str | None = None
    """The verdict in one line; null before the end and in runs of older versions."""
    said: Message | None = None
    """The headline's message, for other languages; null where it has none."""


def summary_or_why_not(name: str, run: RunFolder, jobs: Jobs, *, home: bool) -> RunSummary:
    """The summary of a run, or of what is odd about it: one odd run must not hide all others."""
    try:
        return summary_of(name, run, jobs, home=home)
    except Exception as error:  # whatever lies in a folder that anyone may write to
        log.warning("the run %s cannot be read: %r", run.path, error)
        why = f"cannot be read: {error or type(error).__name__}"
        return RunSummary(name=name, status="failed", finished=False, home=home, why=why)


def summary_of(name: str, run: RunFolder, jobs: Jobs, *, home: bool) -> RunSummary:
    """The summary of a run; `home` says whether it is in the server's own folder."""
    status = jobs.status(run)
    summary: dict[str, Any] = {"name": name, "home": home}
    summary |= _begun(run)
    summary["models"] = [bundle.name for bundle in find_bundles(run.path)]
    if status != "finished" and (run.path / RESULTS).is_file():
        with suppress(BakeoffError, OSError):  # a curve is added to it, or that was stopped
            summary |= {**_results(run.path, _stamp(run.path / RESULTS)), "why": None}
    elif status != "finished" and (run.path / PRELIMINARY).is_file():
        with suppress(BakeoffError, OSError):  # the run is finished at this moment
            summary |= _so_far(run.path, _stamp(run.path / PRELIMINARY))
    if status == "finished":
        try:
            summary |= _results(run.path, _stamp(run.path / RESULTS))
        except BakeoffError as error:
            status, summary["why"] = "failed", str(error)
    elif status == "failed":
        summary["why"], summary["why_said"] = why_not(run)
    return RunSummary(**summary | {"status": status, "finished": status == "finished"})


def _begun(run: RunFolder) -> Mapping[str, Any]:
    try:
        has_events = (run.path / "events.jsonl").is_file()
        return _started(run.path, has_events, _stamp(run.path / "run.json"))
    except (BakeoffError, OSError):  # it never began, or has another schema version
        moment = datetime.fromtimestamp(run.path.stat().st_mtime, UTC)
        return {"created": moment.isoformat(timespec="seconds")}


@lru_cache(maxsize=1000)
def _started(path: Path, has_events: bool, _: tuple[int, int]) -> Mapping[str, Any]:
    """What is known when a run begins."""
    run = RunFolder(path)
    config = run.config
    first = next(run.events(), None) if has_events else None
    settled: dict[str, Any] = {
        "created": first.time if first else None,
        "dataset": Path(config.source).stem,
        "approaches": list(config.names),
        "budget": config.budget,
    }
    if isinstance(first, RunStarted):
        names = ("description", "description_said", "pictures", "classes")
        settled |= {name: getattr(first, name) for name in names}
    return settled


@lru_cache(maxsize=1000)
def _results(path: Path, _: tuple[int, int]) -> Mapping[str, Any]:
    """What is known when a run has finished."""
    run = RunFolder(path)
    results = run.results()
    return _scores(run, results) | {
        "created": results.created,
        "dataset": results.dataset.name,
        "description": results.dataset.description,
        "description_said": results.dataset.description_said,
        "pictures": results.dataset.pictures,
        "classes": len(results.dataset.classes),
        "approaches": [approach.name for approach in results.approaches],
        "winner": results.winner.name,
        "why": results.winner.why,
        "headline": (results.verdict.headline or None) if results.verdict else None,
        "said": results.verdict.said if results.verdict else None,
    }


@lru_cache(maxsize=100)
def _so_far(path: Path, _: tuple[int, int]) -> Mapping[str, Any]:
    """What is known of the approaches that are scored while the run goes on."""
    run = RunFolder(path)
    return _scores(run, run.latest_results())


def _scores(run: RunFolder, results: Results) -> dict[str, Any]:
    scores = [approach.out_of_fold or approach.test for approach in results.approaches]
    return {
        "scored": [approach.name for approach in results.approaches],
        "public": has_public_pictures(run, results),
        "accuracy": max((score.accuracy for score in scores if score is not None), default=None),
    }


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
