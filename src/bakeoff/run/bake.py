"""The story of a run, top to bottom: read, split, train on every fold, score, refit, open the test.

Everything expensive is a unit (approach × fold, or the final fit) that is written whole when
it is done. A resumed run finds its finished units and does the others; since each unit is
seeded by its name alone, the numbers are those of a run that was never interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates import DuplicateGroup, find_duplicates, together
from bakeoff.data.grouping import why_mixed
from bakeoff.data.read import read
from bakeoff.data.split import Split, split
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import Request, RunFolder, now
from bakeoff.record.lock import RunLock
from bakeoff.record.results import Results
from bakeoff.report.write import write_report
from bakeoff.run.bundles import make_bundle
from bakeoff.run.scoring import score_approach, verdict
from bakeoff.run.source import read_again, unchanged
from bakeoff.run.summary import (
    dataset_summary,
    machine_summary,
    picture_index,
    probabilities_of,
    protocol_summary,
)
from bakeoff.run.units import Listener, Workbench
from bakeoff.training.compute import Compute, give_memory_back
from bakeoff.version import __version__

__all__ = ["bake", "estimate", "resume"]

CHOOSERS = 5000  # pictures are enough to choose an epoch by, however large the set


def bake(
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    approaches: Sequence[str] = ("baseline", "cnn", "vit", "transfer"),
    settings: dict[str, dict[str, object]] | None = None,
    group: str | None = None,
    folds: int = 5,
    seed: int = 0,
    test: float | None = None,
    keep_groups: bool | None = None,
    leave_one_group_out: bool = False,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    mode: Literal["auto", "ink", "photo"] = "auto",
    budget: Literal["quick", "standard", "thorough"] = "standard",
    bundles: bool = True,
    neighbours: bool = False,
    on_event: Listener = lambda _: None,
    on_decoded: Callable[[int, int], None] | None = None,
) -> RunFolder:
    """Train every approach on the same folds, score them, and leave a run at `out`.

    Parameters
    ----------
    source : anything `bakeoff.read` reads, or a dataset already read.
    out : folder of the run; made, and refused if it holds anything.
    approaches : names, in the order to train them.
    settings : changes by approach, such as ``{"cnn": {"epochs": 20}}``; those under ""
        are for all.
    group : how pictures are grouped; see `bakeoff.read`.
    folds : of the cross-validation; 0 scores on the test part alone.
    seed : of the split, of every network and of every augmentation.
    test : share locked away when there is no official test part; None is a fifth from
        600 pictures on, 0 none.
    keep_groups : keep the pictures of a group in one fold; None does where it can be done,
        see `why_mixed`.
    leave_one_group_out : instead of `folds`, score each group by models that never saw it.
    device, threads, precision : see `Compute.choose`.
    mode : how pictures are prepared, see `Prepare`; "auto" decides by their looks.
    budget : how long to train: "quick" is for a first look, "thorough" for the last points.
    bundles : leave a bundle of every approach.
    neighbours : ship small training pictures with each bundle, to be shown beside what is asked.
    on_event : called with every event as it is logged.
    on_decoded : called with (pictures decoded, pictures in all) while reading.

    Returns
    -------
    The finished run.

    Raises
    ------
    BakeoffError
        The source cannot be read, a setting does not fit, or nothing would be scored.
    """
    request = _request(
        source,
        group=group,
        approaches=tuple(approaches),
        settings=settings or {},
        folds=folds,
        seed=seed,
        test=test,
        keep_groups=keep_groups,
        leave_one_group_out=leave_one_group_out,
        device=device,
        threads=threads,
        precision=precision,
        mode=mode,
        budget=budget,
        bundles=bundles,
        neighbours=neighbours,
    )
    RunFolder.check_free(Path(out))
    lock = RunLock(Path(out))
    # A folder that is there was made for this run by whoever wants to know whether it goes on.
    with lock if lock.path.is_dir() else nullcontext():
        plan = _Plan.of(request, source, on_decoded)
        folder = RunFolder.create(Path(out), plan.request)
        with lock:
            return _finish(folder, plan, "run started", on_event)


def estimate(
    source: str | os.PathLike[str] | Dataset,
    *,
    on_decoded: Callable[[int, int], None] | None = None,
    **asked: Any,
) -> dict[str, float]:
    """Seconds that each approach of a run would take on this machine, as busy as it is now.

    Nothing is left on disk.

    Parameters
    ----------
    source, on_decoded : see `bake`.
    asked : what `bake` would be asked, by the same names.

    Raises
    ------
    BakeoffError
        As from `bake`.
    """
    plan = _Plan.of(_request(source, **asked), source, on_decoded)
    plan.compute.apply()
    with TemporaryDirectory(prefix="bakeoff-") as nowhere:
        benches = plan.benches(RunFolder(Path(nowhere)), lambda _: None)
        return {bench.approach.name: bench.estimate(plan.parts) for bench in benches}


def resume(
    path: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    on_event: Listener = lambda _: None,
    on_decoded: Callable[[int, int], None] | None = None,
) -> RunFolder:
    """Go on with an interrupted run; a finished one has its results and report rebuilt.

    Parameters
    ----------
    path : the run.
    dataset : the same pictures again, for a run that was not started from a path.

    Raises
    ------
    BakeoffError
        There is no run at `path`, or its pictures have changed since.
    """
    folder = RunFolder.open(Path(path))
    with RunLock(folder.path):
        request = folder.request
        dataset = unchanged(dataset, request) if dataset else read_again(request, on_decoded)
        return _finish(folder, _Plan.on(dataset, request), "run resumed", on_event)


class _Plan(NamedTuple):
    """All that is settled before anything trains."""

    request: Request
    dataset: Dataset
    duplicates: list[DuplicateGroup]
    parts: Split
    compute: Compute

    @classmethod
    def of(
        cls,
        request: Request,
        source: str | os.PathLike[str] | Dataset,
        on_decoded: Callable[[int, int], None] | None,
    ) -> _Plan:
        """A new run's, whose pictures have not been read; what cannot be done is refused."""
        _check(request)
        compute = Compute.choose(request.device, request.threads, request.precision)
        dataset = (
            source
            if isinstance(source, Dataset)
            else read(request.source, group=request.group, progress=on_decoded)
        )
        plan = cls.on(
            dataset,
            request.model_copy(
                update={
                    "fingerprint": dataset.fingerprint(),
                    "threads": compute.threads,
                    "keep_groups": _keeps_groups(dataset, request),
                }
            ),
        )
        _build_once(dataset, plan.request)
        return plan

    @classmethod
    def on(cls, dataset: Dataset, request: Request) -> _Plan:
        """That of a run on these pictures."""
        compute = Compute.choose(request.device, request.threads, request.precision)
        duplicates = find_duplicates(dataset.pictures)
        return cls(request, dataset, duplicates, _split(dataset, duplicates, request), compute)

    def benches(self, folder: RunFolder, on_event: Listener) -> list[Workbench]:
        """One for each approach, out of reach of the locked test."""
        final = self.parts.final
        learnable = np.sort(np.concatenate([final.train, final.validation]))
        return [
            Workbench(
                configure(name, self.request.settings_of(name)),
                self.dataset,
                learnable,
                self.compute,
                self.request,
                folder,
                on_event,
            )
            for name in self.request.approaches
        ]


def _request(source: str | os.PathLike[str] | Dataset, **asked: Any) -> Request:
    name = source.name if isinstance(source, Dataset) else _lasting(source)
    return Request(source=name, **asked)


def _lasting(source: str | os.PathLike[str]) -> str:
    """The source as it can be found again from any folder; names of sets stay names."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)


def _check(request: Request) -> None:
    """Refuse approaches and settings that make no run, before anything is read or written."""
    names = request.approaches
    if not names or len(set(names)) < len(names):
        raise BakeoffError(
            f"approaches {', '.join(names) or '(none)'}",
            "each can be named once, and there must be one",
            "Say, for example, --approach cnn --approach baseline",
        )
    if request.seed < 0:
        raise BakeoffError(f"seed {request.seed}", "is below 0", "Take 0 or more")
    for name in names:
        configure(name, request.settings_of(name))
    for name in set(request.settings) - {"", *names}:
        raise BakeoffError(
            f"settings of {name}",
            "no such approach takes part in this run",
            f"Those that do are {', '.join(names)}",
        )


def _build_once(dataset: Dataset, request: Request) -> None:
    task = Task.of(dataset.pictures, len(dataset.classes), request.mode, request.budget)
    for name in request.approaches:
        approach = configure(name, request.settings_of(name))
        approach.frozen(task)
        approach.build(task)


def _keeps_groups(dataset: Dataset, request: Request) -> bool:
    """Whether groups share a part: as asked, or else where that can be done."""
    if request.keep_groups is not None:
        return request.keep_groups
    if dataset.groups is None or request.leave_one_group_out:
        return False
    return _why_mixed(dataset, request) is None


def _why_mixed(dataset: Dataset, request: Request) -> str | None:
    """Why groups can not be kept together; None where they can, or there are none."""
    if dataset.groups is None:
        return None
    told = dataset.labels, dataset.classes, dataset.groups, request.folds, dataset.official_test
    return why_mixed(*told)


def _split(dataset: Dataset, duplicates: list[DuplicateGroup], request: Request) -> Split:
    wants_groups = request.keep_groups or request.leave_one_group_out
    if wants_groups and dataset.groups is None:
        raise BakeoffError(
            dataset.name,
            "has no groups to keep together or leave out",
            "Say how they are told with --group, such as --group '^[a-z]+' on the file name",
        )
    ids = together(
        len(dataset),
        [one.indices for one in duplicates],
        extra_ids=dataset.groups if request.keep_groups else None,
    )
    leave_out = None
    if request.leave_one_group_out:
        assert dataset.groups is not None
        leave_out = (dataset.groups, dataset.group_names)
    return split(
        dataset.labels,
        folds=request.folds,
        seed=request.seed,
        official_test=dataset.official_test,
        test_share=request.test,
        together=ids,
        leave_out=leave_out,
        validation_share=min(0.15, CHOOSERS / max(1, len(dataset))),
    )


def _about_groups(dataset: Dataset, request: Request) -> str | None:
    """What became of the groups in the folds, in words; None where there are none."""
    if dataset.groups is None or request.leave_one_group_out:
        return None
    if request.keep_groups:
        return "groups are kept together"
    return f"groups are mixed: {_why_mixed(dataset, request) or 'as was asked'}"


def _finish(folder: RunFolder, plan: _Plan, kind: str, on_event: Listener) -> RunFolder:
    """All that follows the plan; what goes wrong is told in the run too."""
    request, dataset, _, parts, _ = plan
    started = folder.log(
        kind,
        path=str(folder.path),
        pid=os.getpid(),
        request=request.model_dump(mode="json"),
        understood=dataset.understood,
        pictures=len(dataset),
        classes=len(dataset.classes),
        folds=[fold.name for fold in parts.folds],
        groups=_about_groups(dataset, request),
    )
    on_event(started)
    try:
        return _train(folder, plan, on_event)
    except Exception as error:
        with suppress(OSError):  # the disk may be what went wrong
            folder.log("run failed", why=str(error) or type(error).__name__)
        raise


def _train(folder: RunFolder, plan: _Plan, on_event: Listener) -> RunFolder:
    request, dataset, duplicates, parts, compute = plan
    compute.apply()
    folder.save_pictures(picture_index(dataset, parts), dataset.pictures)
    benches = plan.benches(folder, on_event)
    seconds = {bench.approach.name: bench.estimate(parts) for bench in benches}
    on_event(folder.log("estimated", seconds=seconds))
    for bench in benches:
        for fold in parts.folds:
            bench.train(fold)
        bench.train_final(parts.final, parts.folds)
        bench.clear()
        give_memory_back()
    opened = _open_test(folder, parts, on_event)
    scored = [score_approach(bench, dataset, parts) for bench in benches]
    results = Results(
        bakeoff_version=__version__,
        created=str(next(folder.events())["time"]),
        finished=now(),
        machine=machine_summary(compute),
        dataset=dataset_summary(dataset, duplicates, parts, request),
        protocol=protocol_summary(parts, request, opened),
        approaches=[one.result for one in scored],
        **verdict(scored, parts),
    )
    folder.save_results(results, probabilities_of(parts, scored))
    write_report(folder)
    for name in request.approaches if request.bundles else ():
        give_memory_back()
        path = make_bundle(folder, name, neighbours=request.neighbours, dataset=dataset)
        on_event(folder.log("bundle written", approach=name, path=str(path)))
    on_event(folder.log("run finished", winner=results.winner.name, why=results.winner.why))
    return folder


def _open_test(folder: RunFolder, parts: Split, on_event: Listener) -> str | None:
    """When the locked test was first opened: now, or before an interruption."""
    if not len(parts.test):
        return None
    for event in folder.events():
        if event["event"] == "test opened":
            return str(event["time"])
    event = folder.log("test opened", pictures=len(parts.test))
    on_event(event)
    return str(event["time"])
