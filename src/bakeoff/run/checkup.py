"""A set looked over: what `bakeoff check` leaves, with no run but a passing one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from bakeoff.data.correction import Correction
from bakeoff.data.corrections import active_corrections, read_corrections
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.read import read
from bakeoff.data.split import split
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.health import Health
from bakeoff.evaluation.records import Winner
from bakeoff.issues.find import find_issues
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Listener, now
from bakeoff.record.folder import CORRECTIONS, RunFolder
from bakeoff.record.results import DatasetSummary, Results
from bakeoff.record.whole import write_folder
from bakeoff.report.write import check_page
from bakeoff.run.bake import bake
from bakeoff.run.summary import dataset_summary, picture_index, protocol_summary
from bakeoff.version import __version__

__all__ = ["Checkup", "check", "check_run"]


class Checkup(NamedTuple):
    """What was found, and the corrections that are proposed."""

    dataset: DatasetSummary
    health: Health
    proposed: tuple[Correction, ...]


def check(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    approaches: Sequence[str] = ("baseline",),
    group: str | None = None,
    label: str | None = None,
    corrections: str | os.PathLike[str] | Sequence[Correction] = (),
    on_event: Listener = lambda _: None,
    on_decoded: Callable[[int, int], None] | None = None,
    **asked: Any,
) -> Checkup:
    """Look a set over and leave health.json, corrections.csv and check.html at `out`.

    Parameters
    ----------
    source : anything that `bakeoff.read` reads.
    out : a folder; made, and refused if it holds anything.
    approaches : whose out-of-fold answers doubt the labels, after a quick bake that is not kept;
        without any, looks alone tell.
    group, label, corrections, on_event, on_decoded : see `bake`.
    asked : further things to ask of `bake`; the budget is quick.

    Raises
    ------
    BakeoffError
        As from `bake`, or there is something at `out`.
    """
    check_free(Path(out))
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        folder = Path(scratch, "run")
        if approaches:
            run = bake(
                source,
                folder,
                approaches=approaches,
                group=group,
                label=label,
                corrections=corrections,
                bundles=False,
                robustness=False,
                on_event=on_event,
                on_decoded=on_decoded,
                **{"budget": "quick", **asked},
            )
        else:
            run = _by_looks(source, folder, group, label, corrections, on_decoded)
        return check_run(run, out)


def check_run(run: RunFolder, out: str | os.PathLike[str]) -> Checkup:
    """Leave what a finished run found of its pictures at `out`, as `check` does.

    Raises
    ------
    BakeoffError
        The run is not finished, or an older version of bakeoff made it.
    """
    check_free(Path(out))
    results = run.results()
    if results.health is None:
        raise BakeoffError(
            str(run.path),
            "was made by a version of bakeoff that did not look for these things",
            f"Rebuild its results with: bakeoff run --resume {run.path}",
        )
    found = Checkup(results.dataset, results.health, read_corrections(run.path / CORRECTIONS))
    told = {
        "dataset": found.dataset.model_dump(mode="json"),
        "health": TypeAdapter(Health).dump_python(found.health, mode="json"),
    }
    write_folder(
        Path(out),
        {
            "health.json": json.dumps(told, indent=1).encode(),
            CORRECTIONS: (run.path / CORRECTIONS).read_bytes(),
            "check.html": check_page(run),
        },
    )
    return found


def check_free(out: Path) -> None:
    """Refuse a place where there is something already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BakeoffError(str(out), "is there already", "Choose another --out")


def _by_looks(
    source: str | os.PathLike[str],
    folder: Path,
    group: str | None,
    label: str | None,
    corrections: str | os.PathLike[str] | Sequence[Correction],
    on_decoded: Callable[[int, int], None] | None,
) -> RunFolder:
    """A run that asked no approach: it has the findings of looks, and no scores."""
    acting = active_corrections(corrections)
    dataset = read(source, group=group, label=label, corrections=acting, progress=on_decoded)
    duplicates = find_duplicates(dataset.pictures)
    ids = together(len(dataset), [one.indices for one in duplicates])
    parts = split(dataset.labels, folds=2, official_test=dataset.official_test, together=ids)
    unscored = replace(parts, folds=())
    config = RunConfig(source=str(source), approaches=(), fingerprint=dataset.fingerprint())
    run = RunFolder.create(folder, config)
    run.save_pictures(picture_index(dataset, unscored), dataset.pictures)
    health, proposed = find_issues(dataset, duplicates, parts, done=acting)
    run.save_corrections(proposed)
    made = now()
    results = Results(
        bakeoff_version=__version__,
        created=made,
        finished=made,
        machine={},
        dataset=dataset_summary(dataset, duplicates, parts, config),
        protocol=protocol_summary(dataset, unscored, config, opened=None),
        approaches=[],
        comparison=[],
        winner=Winner(None, "No approach was asked."),
        health=health,
    )
    run.save_results(results, {})
    return run
