"""A run in one line, made from its files and kept until they change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.server.events import why_not
from bakeoff.server.jobs import Jobs, Status

__all__ = ["RunSummary", "summary_of"]


class RunSummary(BaseModel):
    """A run in one line.

    `accuracy` is the best one, out of fold or, without folds, on the test part. `winner` is None
    where the figures cannot tell. `why` is why the winner won, or why the run failed. `home` runs
    lie in the server's own folder, where they can be resumed and deleted.
    """

    name: str
    status: Status
    finished: bool
    home: bool
    created: str | None = None
    dataset: str | None = None
    description: str | None = None
    pictures: int | None = None
    classes: int | None = None
    approaches: list[str] = []
    budget: str | None = None
    winner: str | None = None
    accuracy: float | None = None
    why: str | None = None


def summary_of(name: str, run: RunFolder, jobs: Jobs, *, home: bool) -> RunSummary:
    """A run in one line; `home` says that it lies in the server's own folder."""
    status = jobs.status(run)
    found: dict[str, Any] = {"name": name, "home": home}
    found |= _begun(run)
    if status == "finished":
        try:
            found |= _results(run.path, _stamp(run.path / "results.json"))
        except BakeoffError as error:
            status, found["why"] = "failed", str(error)
    elif status == "failed":
        found["why"] = why_not(run)
    return RunSummary(**found | {"status": status, "finished": status == "finished"})


def _begun(run: RunFolder) -> Mapping[str, Any]:
    try:
        has_events = (run.path / "events.jsonl").is_file()
        return _started(run.path, has_events, _stamp(run.path / "run.json"))
    except (BakeoffError, OSError):  # it never began, or is of another version
        moment = datetime.fromtimestamp(run.path.stat().st_mtime, UTC)
        return {"created": moment.isoformat(timespec="seconds")}


@lru_cache(maxsize=1000)
def _started(path: Path, has_events: bool, _: tuple[int, int]) -> Mapping[str, Any]:
    """What is settled when a run begins."""
    run = RunFolder(path)
    config = run.config
    first: Mapping[str, Any] = next(run.events(), {}) if has_events else {}
    return {
        "created": first.get("time"),
        "dataset": Path(config.source).stem,
        "description": first.get("description"),
        "pictures": first.get("pictures"),
        "classes": first.get("classes"),
        "approaches": list(config.approaches),
        "budget": config.budget,
    }


@lru_cache(maxsize=1000)
def _results(path: Path, _: tuple[int, int]) -> Mapping[str, Any]:
    """What is known when it is finished."""
    results = RunFolder(path).results()
    scores = [one.out_of_fold or one.test for one in results.approaches]
    return {
        "created": results.created,
        "dataset": results.dataset.name,
        "description": results.dataset.description,
        "pictures": results.dataset.pictures,
        "classes": len(results.dataset.classes),
        "approaches": [one.name for one in results.approaches],
        "winner": results.winner.name,
        "accuracy": max(one.accuracy for one in scores if one is not None),
        "why": results.winner.why,
    }


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
