"""The story of a run, top to bottom: read, split, train on every fold, score, refit, open the test.

Everything expensive is a unit (approach × fold, the final fit, or what is asked of either) that is
written whole when it is done, by whichever worker did it. A resumed run finds its finished units
and does the others; since each unit is seeded by its name alone, the numbers are those of a run
that was never interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.data.corrections import Correction, active_corrections
from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import DuplicateGroup, find_duplicates
from bakeoff.data.split import Split
from bakeoff.errors import BakeoffError
from bakeoff.issues.find import find_issues
from bakeoff.record.folder import RunConfig, RunFolder, now
from bakeoff.record.lock import RunLock
from bakeoff.record.results import Results
from bakeoff.report.write import write_report
from bakeoff.run.bundles import bundles_to_make, with_bundle_metrics
from bakeoff.run.fit_queue import FitQueue
from bakeoff.run.graphs import Graphs
from bakeoff.run.learning import Fit, Smaller, fits_of, smaller_folds
from bakeoff.run.protocol import about_groups, keeps_groups, parts_of, together_of
from bakeoff.run.robustness import CorruptionBenchmark, answers_wanted, sample_of
from bakeoff.run.scoring import compared, score_approach
from bakeoff.run.source import read_again, read_first, unchanged
from bakeoff.run.summary import (
    dataset_summary,
    machine_summary,
    picture_index,
    probabilities_of,
    protocol_summary,
)
from bakeoff.run.verdict import verdict_of
from bakeoff.training.compute import Compute, give_memory_back
from bakeoff.version import __version__
from bakeoff.workers.crew import Workers, executor_for, threads_for
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Listener, Tell, UnitRunner

__all__ = ["bake", "estimate", "resume"]


def bake(
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    approaches: Sequence[str] = ("baseline", "cnn", "vit", "transfer"),
    settings: dict[str, dict[str, object]] | None = None,
    group: str | None = None,
    corrections: str | os.PathLike[str] | Sequence[Correction] = (),
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
    curve: bool = False,
    robustness: bool = True,
    workers: str = "auto",
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
    corrections : a table such as a run leaves in corrections.csv, or what it says: labels that
        change and pictures that stay out. The source stays as it is.
    folds : of the cross-validation; 0 scores on the test part alone.
    seed : of the split, of every network and of every augmentation.
    test : share locked away when there is no official test part; None is a fifth from
        600 pictures on, 0 none.
    keep_groups : keep the pictures of a group in one fold; None does where it can be done,
        see `why_mixed`.
    leave_one_group_out : instead of `folds`, score each group by models that never saw it.
    device, threads, precision : see `Compute.choose`.
    mode : how pictures are prepared, see `Preprocess`; "auto" decides by their looks.
    budget : how long to train: "quick" is for a first look, "thorough" for the last points.
    bundles : leave a bundle of every approach.
    neighbours : ship small training pictures with each bundle, to be shown beside what is asked.
    curve : train on an eighth, a quarter and a half of the pictures too, and forecast what more
        of them would bring; takes two to three times as long.
    robustness : see how each approach stands pictures that were changed, by models of the folds.
    workers : who trains: "local:N" for N processes of this machine, "ray" or "ray://HOST:PORT" for
        a cluster. "auto" is this process for a short run, and as many as there are cores for a
        long one. The numbers are the same whoever does it.
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
    config = _config(
        source,
        group=group,
        corrections=corrections,
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
        curve=curve,
        robustness=robustness,
    )
    crew = Workers.parse(workers)
    RunFolder.check_free(Path(out))
    lock = RunLock(Path(out))
    # A folder that is there was made for this run by whoever wants to know whether it goes on.
    with lock if lock.path.is_dir() else nullcontext():
        plan = _Plan.of(config, source, on_decoded)
        folder = RunFolder.create(Path(out), plan.config)
        with lock:
            return _finish(folder, plan, "run started", on_event, crew)


def estimate(
    source: str | os.PathLike[str] | Dataset,
    *,
    on_decoded: Callable[[int, int], None] | None = None,
    **asked: Any,
) -> dict[str, float]:
    """Seconds that each approach of a run would take on this machine, as busy as it is now.

    Where several workers would share the work, an approach counts by its share, so that all of
    them together are what one has to wait. Nothing is left on disk.

    Parameters
    ----------
    source, on_decoded : see `bake`.
    asked : what `bake` would be asked, by the same names.

    Raises
    ------
    BakeoffError
        As from `bake`.
    """
    plan = _Plan.of(_config(source, **asked), source, on_decoded)
    plan.compute.apply()
    with TemporaryDirectory(prefix="bakeoff-") as nowhere:
        runners = plan.runners(RunFolder(Path(nowhere)), lambda *_, **__: None)
        seconds = plan.estimates(runners)
        units = len(runners) * len(plan.data.folds)
        hands = Workers("auto").settled(units, sum(seconds.values()), plan.compute).count or 1
        return {name: some / hands for name, some in seconds.items()}


def resume(
    path: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    curve: bool = False,
    workers: str = "auto",
    on_event: Listener = lambda _: None,
    on_decoded: Callable[[int, int], None] | None = None,
) -> RunFolder:
    """Go on with an interrupted run; a finished one has its results and report rebuilt.

    Parameters
    ----------
    path : the run.
    dataset : the same pictures again, for a run that was not started from a path.
    curve : add a learning curve, whether the run was asked for one or not. What is trained and
        the bundles that are there stay.
    workers : see `bake`; they need not be those that the run began with.

    Raises
    ------
    BakeoffError
        There is no run at `path`, its pictures have changed since, or it has no folds to draw a
        curve from.
    """
    folder = RunFolder.open(Path(path))
    crew = Workers.parse(workers)
    with RunLock(folder.path):
        config = folder.config
        if curve:
            config = config.model_copy(update={"curve": True})
            _check(config)
        dataset = unchanged(dataset, config) if dataset else read_again(config, on_decoded)
        plan = _Plan.on(dataset, config)
        if config != folder.config:
            folder.amend(config)
        return _finish(folder, plan, "run resumed", on_event, crew, keep_bundles=curve)


@dataclass(frozen=True, eq=False)
class _Plan:
    """All that is settled before anything trains."""

    config: RunConfig
    dataset: Dataset
    duplicates: list[DuplicateGroup]
    parts: Split
    smaller: tuple[Smaller, ...] | None
    compute: Compute

    @classmethod
    def of(
        cls,
        config: RunConfig,
        source: str | os.PathLike[str] | Dataset,
        on_decoded: Callable[[int, int], None] | None,
    ) -> _Plan:
        """A new run's, whose pictures have not been read; what cannot be done is refused."""
        _check(config)
        compute = Compute.choose(config.device, config.threads, config.precision)
        dataset = read_first(config, source, on_decoded)
        fits = 1 + (len(dataset.group_names) if config.leave_one_group_out else config.folds)
        plan = cls.on(
            dataset,
            config.model_copy(
                update={
                    "fingerprint": dataset.fingerprint(),
                    "threads": config.threads or threads_for(fits, compute.device),
                    "keep_groups": keeps_groups(dataset, config),
                }
            ),
        )
        _build_once(dataset, plan.config)
        return plan

    @classmethod
    def on(cls, dataset: Dataset, config: RunConfig) -> _Plan:
        """That of a run on these pictures."""
        compute = Compute.choose(config.device, config.threads, config.precision)
        duplicates = find_duplicates(dataset.pictures)
        ids = together_of(dataset, duplicates, config)
        parts = parts_of(dataset, ids, config)
        smaller = None
        if config.curve:
            smaller = smaller_folds(parts, dataset.labels, ids, config.seed)
        return cls(config, dataset, duplicates, parts, smaller, compute)

    def estimates(self, runners: Sequence[UnitRunner]) -> dict[str, float]:
        """Seconds that are left of each approach."""
        smaller = [one.fold for one in self.smaller or ()]
        return {
            runner.approach.name: runner.estimate(
                self.parts, smaller=smaller, asked=answers_wanted(runner, self.parts)
            )
            for runner in runners
        }

    @cached_property
    def data(self) -> TrainingData:
        """What trains, out of reach of the locked test."""
        parts = self.parts
        learnable = np.sort(np.concatenate([parts.final.train, parts.final.validation]))
        folds = (*parts.folds, *(one.fold for one in self.smaller or ()), parts.final)
        return TrainingData(
            self.config,
            self.dataset,
            learnable,
            {fold.name: fold for fold in folds},
            sample_of(self.dataset, parts, self.config),
            self.compute,
        )

    def runners(self, folder: RunFolder, tell: Tell) -> list[UnitRunner]:
        """One for each approach."""
        return [
            UnitRunner(configure(name, self.config.settings_of(name)), self.data, folder, tell)
            for name in self.config.approaches
        ]


def _config(
    source: str | os.PathLike[str] | Dataset,
    *,
    corrections: str | os.PathLike[str] | Sequence[Correction] = (),
    **asked: Any,
) -> RunConfig:
    name = source.name if isinstance(source, Dataset) else _lasting(source)
    return RunConfig(source=name, corrections=active_corrections(corrections), **asked)


def _lasting(source: str | os.PathLike[str]) -> str:
    """The source as it can be found again from any folder; names of sets stay names."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)


def _check(config: RunConfig) -> None:
    """Refuse approaches and settings that make no run, before anything is read or written."""
    names = config.approaches
    if not names or len(set(names)) < len(names):
        raise BakeoffError(
            f"approaches {', '.join(names) or '(none)'}",
            "each can be named once, and there must be one",
            "Say, for example, --approach cnn --approach baseline",
        )
    if config.curve and not (config.folds or config.leave_one_group_out):
        raise BakeoffError(
            "learning curve",
            "it is scored on what folds hold out, and there are none",
            "Ask for 2 folds or more",
        )
    if config.seed < 0:
        raise BakeoffError(f"seed {config.seed}", "is below 0", "Take 0 or more")
    for name in names:
        configure(name, config.settings_of(name))
    for name in set(config.settings) - {"", *names}:
        raise BakeoffError(
            f"settings of {name}",
            "no such approach takes part in this run",
            f"Those that do are {', '.join(names)}",
        )


def _build_once(dataset: Dataset, config: RunConfig) -> None:
    task = Task.of(dataset.pictures, len(dataset.classes), config.mode, config.budget)
    for name in config.approaches:
        approach = configure(name, config.settings_of(name))
        approach.frozen(task)
        approach.build(task)


def _finish(
    folder: RunFolder,
    plan: _Plan,
    kind: str,
    on_event: Listener,
    workers: Workers,
    *,
    keep_bundles: bool = False,
) -> RunFolder:
    """All that follows the plan; what goes wrong is told in the run too."""
    config, dataset, parts, smaller = plan.config, plan.dataset, plan.parts, plan.smaller
    started = folder.log(
        kind,
        path=str(folder.path),
        pid=os.getpid(),
        config=config.model_dump(mode="json", exclude={"corrections"}),
        description=dataset.description,
        pictures=len(dataset),
        classes=len(dataset.classes),
        folds=[fold.name for fold in parts.folds],
        curve={one.fold.name: one.share for one in smaller or ()},
        groups=about_groups(dataset, config),
    )
    on_event(started)
    try:
        return _train(folder, plan, on_event, workers, keep_bundles=keep_bundles)
    except Exception as error:
        with suppress(OSError):  # the disk may be what went wrong
            folder.log("run failed", why=str(error) or type(error).__name__)
        raise


def _train(
    folder: RunFolder, plan: _Plan, on_event: Listener, workers: Workers, *, keep_bundles: bool
) -> RunFolder:
    config, dataset, parts, smaller = plan.config, plan.dataset, plan.parts, plan.smaller
    plan.compute.apply()
    folder.save_pictures(picture_index(dataset, parts), dataset.pictures)

    def tell(kind: str, /, **details: object) -> None:
        on_event(folder.log(kind, **details))

    runners = plan.runners(folder, tell)
    seconds = plan.estimates(runners)
    fits = FitQueue(runners, parts, [one.fold for one in smaller or ()], seconds, tell)
    workers = workers.settled(fits.left(), sum(seconds.values()), plan.compute)
    tell("estimated", seconds=seconds, workers=workers.count)
    to_make = bundles_to_make(folder, keep=keep_bundles)
    with executor_for(workers, plan.data, folder, tell) as crew:
        crew.do(fits)
        benchmark = CorruptionBenchmark(runners, parts, tell)
        crew.do(benchmark)
        crew.do(Graphs(folder, to_make, tell))
    give_memory_back()
    stands = benchmark.found()
    opened = _open_test(folder, parts, on_event)
    scored = [
        score_approach(
            runner, dataset, parts, smaller=smaller, robustness=stands.get(runner.approach.name)
        )
        for runner in runners
    ]
    predictions = {one.result.name: one.predictions for one in scored}
    health, proposed = find_issues(dataset, plan.duplicates, parts, predictions, config.corrections)
    folder.save_corrections(proposed)
    results = Results(
        bakeoff_version=__version__,
        created=str(next(folder.events())["time"]),
        finished=now(),
        machine=machine_summary(plan.compute),
        dataset=dataset_summary(dataset, plan.duplicates, parts, config),
        protocol=protocol_summary(parts, config, opened),
        approaches=[one.result for one in scored],
        health=health,
        **compared(scored, parts),
    )
    if smaller is not None:
        points = [fit for runner in runners for fit in fits_of(runner, dataset, parts, smaller)]
        folder.save_learning(Fit._fields, points)
    probabilities = probabilities_of(parts, scored)
    results = _save(folder, results, probabilities)
    if config.bundles:
        threads = plan.compute.threads
        with_bundles = [
            with_bundle_metrics(folder, one, dataset, threads, on_event, make=one.name in to_make)
            for one in results.approaches
        ]
        _save(folder, results.model_copy(update={"approaches": with_bundles}), probabilities)
    on_event(folder.log("run finished", winner=results.winner.name, why=results.winner.why))
    return folder


def _save(
    folder: RunFolder, results: Results, probabilities: dict[str, NDArray[np.float32]]
) -> Results:
    """Write the figures, with the verdict on them, and the report."""
    results = results.model_copy(update={"verdict": verdict_of(results)})
    folder.save_results(results, probabilities)
    write_report(folder)
    return results


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
