"""The story of a run, top to bottom: read, split, train on every fold, refit, open the test, score.

Each approach is scored out of fold, and its model can be used, as soon as its own fits are there.

Everything expensive is a unit, which is written whole when it is done, by whichever worker did it.
A resumed run finds its finished units and does the others; since each unit is seeded by its name
alone, the numbers are those of a run that was never interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bakeoff.approaches.settings import flat_settings
from bakeoff.data.correction import Correction
from bakeoff.data.corrections import active_corrections
from bakeoff.data.dataset import Dataset
from bakeoff.data.new_labels import given_labels
from bakeoff.errors import BakeoffError
from bakeoff.issues.find import find_issues
from bakeoff.record.config import RunConfig
from bakeoff.record.events import (
    Estimated,
    Event,
    Listener,
    RunFailed,
    RunFinished,
    RunStarted,
    TestOpened,
)
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.record.results import ApproachResult, Results
from bakeoff.report.write import write_report
from bakeoff.run.bundles import RunFacts, bundles_to_make, make_bundles, say_verdict
from bakeoff.run.first_scores import FirstScores
from bakeoff.run.learning import Fit, fits_of, learning_of
from bakeoff.run.plan import Plan
from bakeoff.run.protocol import about_groups
from bakeoff.run.pseudo import gain_of
from bakeoff.run.source import read_again, unchanged
from bakeoff.run.summary import (
    machine_summary,
    picture_index,
    probabilities_of,
)
from bakeoff.run.unlabelled import with_unlabelled
from bakeoff.scoring.compared import compared, cost_matrix
from bakeoff.scoring.scored import Answered, Scored, score_approach
from bakeoff.scoring.verdict import with_verdict
from bakeoff.training.compute import give_memory_back
from bakeoff.version import __version__
from bakeoff.workers.cost import CostUnit, cost_of
from bakeoff.workers.crew import WORTH_STARTING, Workers
from bakeoff.workers.estimate import OtherPrograms, Stopwatch
from bakeoff.workers.locked_test import LockedTestUnit, test_answers
from bakeoff.workers.pool import InlineExecutor, executor_for, executor_here
from bakeoff.workers.pseudo import fit_of, pseudo_name
from bakeoff.workers.robustness import CorruptionBenchmark
from bakeoff.workers.run_queue import Again, RunQueue
from bakeoff.workers.runner import UnitRunner
from bakeoff.workers.time_left import TimeKeeper, end_seconds
from bakeoff.workers.units import FINAL
from bakeoff.workers.work import UnitQueue

__all__ = ["bake", "bake_config", "config_of", "estimate", "estimate_config", "resume"]

OnDecoded = Callable[[int, int], None]


def bake(
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    workers: str = "auto",
    on_event: Listener = lambda _: None,
    on_decoded: OnDecoded | None = None,
    **options: Any,
) -> RunFolder:
    """Train every approach on the same folds, score them, and leave a run at `out`.

    Parameters
    ----------
    source : anything `bakeoff.read` reads, or a dataset already read.
    out : folder of the run; made, and refused if it holds anything.
    workers : which workers train: "local:N" for N processes of this machine, "ray" or
        "ray://HOST:PORT" for a cluster. "auto" is this process for a short run, and as many
        processes as there are cores for a long one. The numbers are the same.
    on_event : called with every event as it is logged; see `bakeoff.record.events`.
    on_decoded : called with (pictures decoded, pictures in all) while reading.
    options : the fields of `RunOptions`, such as ``folds=10, seed=1, budget="quick"``;
        `approaches` may be names, with `settings` by approach beside them, such as
        ``settings={"cnn": {"epochs": 20}}`` (those under "" are for all); `corrections` is a
        table such as a run leaves in corrections.csv, or what it says; `unlabelled` is a source
        of pictures without labels, and `labels` a table of labels for them.

    Returns
    -------
    The finished run.

    Raises
    ------
    BakeoffError
        The source cannot be read, an option or a setting does not fit, or nothing would be scored.
    """
    config = config_of(source, **options)
    return bake_config(
        config, source, out, workers=workers, on_event=on_event, on_decoded=on_decoded
    )


def bake_config(
    config: RunConfig,
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    workers: str = "auto",
    on_event: Listener = lambda _: None,
    on_decoded: OnDecoded | None = None,
) -> RunFolder:
    """`bake`, with all that is asked of the run in one parsed record."""
    crew = Workers.parse(workers)
    RunFolder.check_free(Path(out))
    lock = RunLock(Path(out))
    # A folder that is there was made for this run by a process that watches its lock.
    with lock if lock.path.is_dir() else nullcontext():
        plan = Plan.of(config, source, on_decoded)
        folder = RunFolder.create(Path(out), plan.config)
        with lock:
            return _Bake(folder, plan, on_event).run("run started", crew)


def estimate(
    source: str | os.PathLike[str] | Dataset,
    *,
    on_decoded: OnDecoded | None = None,
    **options: Any,
) -> dict[str, float]:
    """Seconds that each approach of a run would take on this machine, as busy as it is now.

    Where several workers would share the work, an approach counts by its share, so that the sum
    is the time to wait. Nothing is left on disk.

    Parameters
    ----------
    source, on_decoded, options : see `bake`.

    Raises
    ------
    BakeoffError
        As from `bake`.
    """
    return estimate_config(config_of(source, **options), source, on_decoded)


def estimate_config(
    config: RunConfig,
    source: str | os.PathLike[str] | Dataset | None = None,
    on_decoded: OnDecoded | None = None,
) -> dict[str, float]:
    """`estimate`, with all that is asked of the run in one parsed record."""
    plan = Plan.of(config, config.source if source is None else source, on_decoded)
    plan.compute.apply()
    with TemporaryDirectory(prefix="bakeoff-") as nowhere:
        runners = plan.runners(RunFolder(Path(nowhere)), lambda _: None)
        stopwatch = Stopwatch(plan.compute)
        left = {
            runner.approach.name: stopwatch.watch(partial(plan.predict, runner))
            for runner in runners
        }
        corrupting = sum(stopwatch.watch(plan.predict_corrupting).values())
        work = sum(one.seconds for one in left.values()) + corrupting
        units = len(runners) * len(plan.data.folds)
        count = Workers("auto").settled(units, work, plan.compute).count or 1
        rest = corrupting / count + end_seconds(len(runners))
        return {
            name: stopwatch.slowdown * (one.seconds / count + rest / len(runners))
            for name, one in left.items()
        }


def resume(
    path: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    curve: bool = False,
    workers: str = "auto",
    on_event: Listener = lambda _: None,
    on_decoded: OnDecoded | None = None,
) -> RunFolder:
    """Continue an interrupted run; a finished one has its results and report rebuilt.

    Parameters
    ----------
    path : the run.
    dataset : the same pictures again, for a run that was not started from a path.
    curve : add a learning curve to the run. What is trained and the bundles that are there stay.
    workers : see `bake`; they need not be those that the run began with.

    Raises
    ------
    BakeoffError
        There is no run at `path`, its pictures have changed since, or it has no folds to draw a
        curve from.
    """
    folder = RunFolder.open(Path(path))
    folder.check_recipe()
    crew = Workers.parse(workers)
    with RunLock(folder.path):
        config = folder.config
        if curve:
            config = RunConfig.parse(**dict(config) | {"curve": True})
        dataset = unchanged(dataset, config) if dataset else read_again(config, on_decoded)
        plan = Plan.on(dataset, config)
        if config != folder.config:
            folder.amend(config)
        return _Bake(folder, plan, on_event).run("run resumed", crew, keep_bundles=curve)


def config_of(
    source: str | os.PathLike[str] | Dataset,
    *,
    unlabelled: str | os.PathLike[str] | None = None,
    corrections: str | os.PathLike[str] | Sequence[Correction] = (),
    labels: str | os.PathLike[str] | Sequence[Correction] = (),
    **options: Any,
) -> RunConfig:
    """What is asked of a run of this source, parsed and checked.

    Raises
    ------
    BakeoffError
        As from `bake`.
    """
    name = source.name if isinstance(source, Dataset) else _lasting(source)
    return RunConfig.parse(
        source=name,
        unlabelled=None if unlabelled is None else _lasting(unlabelled),
        corrections=(*active_corrections(corrections), *given_labels(labels)),
        **options,
    )


def _lasting(source: str | os.PathLike[str]) -> str:
    """The source as it can be found again from any folder; names of sets stay names."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)


class _Bake:
    """A run at work: `run` tells the whole story, and each step is a method.

    Parameters
    ----------
    folder : of the run.
    plan : what was settled before anything trains.
    on_event : called with every event when it is logged.
    """

    def __init__(self, folder: RunFolder, plan: Plan, on_event: Listener) -> None:
        self.folder = folder
        self.plan = plan
        self.on_event = on_event
        self.tell = self.keeper = TimeKeeper(self._log, threads=plan.compute.threads)

    def _log(self, event: Event) -> None:
        """Log an event and pass it on."""
        self.folder.log(event)
        self.on_event(event)

    def run(self, kind: Any, workers: Workers, *, keep_bundles: bool = False) -> RunFolder:
        """All that follows the plan; an error is logged in the run too."""
        self.tell(self._started(kind))
        try:
            self.plan.compute.apply()
            index = picture_index(self.plan.dataset, self.plan.parts)
            self.folder.save_pictures(index, self.plan.dataset.pictures)
            to_make = bundles_to_make(self.folder, keep=keep_bundles)
            runners = self.plan.runners(self.folder, self.tell)
            benchmark = CorruptionBenchmark(self.plan.data, self.folder, self.plan.parts, self.tell)
            early = self._train(runners, benchmark, workers, to_make)
            opened = self._answer_test()
            scored = [self._score(runner, benchmark) for runner in runners]
            scored = with_unlabelled(self.folder, self.plan, scored)
            self._write(scored, opened, to_make, early)
        except Exception as error:
            with suppress(OSError, BakeoffError):  # the disk may be what went wrong
                whole = error.whole if isinstance(error, BakeoffError) else str(error)
                self.folder.log(RunFailed(why=whole or type(error).__name__))
            raise
        return self.folder

    def _started(self, kind: Any) -> RunStarted:
        plan = self.plan
        options = plan.config.model_dump(
            mode="json", exclude={"corrections", "approaches", "fingerprint", "recipe"}
        )
        return RunStarted(
            event=kind,
            path=str(self.folder.path),
            pid=os.getpid(),
            approaches=list(plan.config.names),
            options=options,
            description=plan.dataset.description,
            pictures=len(plan.dataset),
            classes=len(plan.dataset.classes),
            folds=[fold.name for fold in plan.parts.folds],
            curve={smaller.fold.name: smaller.share for smaller in plan.smaller or ()},
            again={
                name: [pseudo_name(fold.name) for fold in plan.parts.folds]
                for name in plan.config.trained_twice
            },
            groups=about_groups(plan.dataset, plan.config),
        )

    def _train(
        self,
        runners: Sequence[UnitRunner],
        benchmark: CorruptionBenchmark,
        workers: Workers,
        to_make: Sequence[str],
    ) -> Mapping[str, BakeoffError | None]:
        """Fit folds and final models, trace graphs, corrupt pictures: the cheapest approach first.

        Each approach is scored and its bundle made as soon as that is possible.

        Returns
        -------
        What came of the bundles that were made: an error, or None.
        """
        plan, folder, tell = self.plan, self.folder, self.tell
        by_name = {runner.approach.name: runner for runner in runners}
        titles = {name: runner.approach.title for name, runner in by_name.items()}
        score = lambda name: self._score(by_name[name])
        first = FirstScores(folder, plan, titles, to_make, score, tell)
        smaller = [one.fold for one in plan.smaller or ()]
        helps = lambda name: bool((gain := gain_of(folder, plan, name, titles[name])) and gain.used)
        again = Again(plan.config.trained_twice, helps)
        queue = RunQueue(runners, plan.parts, smaller, to_make, benchmark, tell, first, again)
        for name in queue.scored:
            first(name)
        workers = self._begin(runners, queue, workers)
        give_memory_back()
        if queue.left():
            with executor_for(workers, plan.data, self.folder, tell) as executor:
                executor.do(queue)
        give_memory_back()
        return first.bundles

    def _begin(self, runners: Sequence[UnitRunner], queue: RunQueue, workers: Workers) -> Workers:
        """Predict how long each approach takes, and have the first quick one scored meanwhile.

        What takes less time than to start a worker is done here, before the others are probed.

        Returns
        -------
        The workers for the rest.
        """
        plan, keeper = self.plan, self.keeper
        wait = workers.kind == "auto"
        stopwatch, others = Stopwatch(plan.compute), OtherPrograms()
        for runner in runners:
            name = runner.approach.name
            keeper.left[name] = left = stopwatch.watch(partial(plan.predict, runner))
            if wait and name not in queue.scored and left.until_scored <= WORTH_STARTING:
                wait = False
                queue.only = name
                with executor_here(runner.approach, plan.data, self.folder) as here:
                    here.do(queue)
                queue.only = None
        seconds = {name: left.seconds for name, left in keeper.left.items()}
        queue.seconds = seconds
        corrupting = plan.predict_corrupting()
        work = sum(seconds.values()) + sum(corrupting.values())
        workers = workers.settled(queue.left(), work, plan.compute)
        self.tell(Estimated(seconds=seconds, workers=workers.count))
        keeper.begin(corrupting, workers.count or 1, stopwatch.slowdown, others.cores)
        return workers

    def _answer_test(self) -> str | None:
        """Open the locked test, let every final model answer it, and say when it was opened."""
        parts, folder = self.plan.parts, self.folder
        if not len(parts.test):
            return None
        opened = next((event for event in folder.events() if isinstance(event, TestOpened)), None)
        if opened is None:  # else it was before an interruption
            opened = TestOpened(pictures=len(parts.test))
            self.tell(opened)
        units = [LockedTestUnit.of(folder, name) for name in self.plan.config.names]
        with InlineExecutor(self.plan.test_data, folder) as executor:
            executor.do(UnitQueue(units, folder))
        return opened.time

    def _score(self, runner: UnitRunner, benchmark: CorruptionBenchmark | None = None) -> Scored:
        """Score an approach; without the benchmark, by what its folds held out and no more."""
        plan, folder = self.plan, self.folder
        name, title, labels = runner.approach.name, runner.approach.title, plan.dataset.labels
        curve = None
        if benchmark and plan.smaller is not None:
            curve = learning_of(folder, name, title, labels, plan.parts, plan.smaller)
        answered = Answered(
            name=name,
            title=title,
            settings=flat_settings(runner.approach),
            folds=[
                folder.load_unit(name, fit_of(folder, name, fold.name)) for fold in plan.parts.folds
            ],
            final=folder.load_unit(name, FINAL),
            test=test_answers(folder, name) if benchmark and len(plan.parts.test) else None,
            learning=curve,
            robustness=benchmark.result(name, title) if benchmark else None,
            pretrained=runner.approach.pretrained(plan.data.task),
            fixed=runner.approach.fixed,
            pseudo=gain_of(folder, plan, name, title),
        )
        cost = cost_matrix(plan.config, plan.dataset.classes)
        return score_approach(answered, plan.dataset, plan.parts, cost)

    def _write(
        self,
        scored: list[Scored],
        opened: str | None,
        to_make: Sequence[str],
        early: Mapping[str, BakeoffError | None],
    ) -> None:
        """Bundles first, then what they cost, then results, verdict and report: each once."""
        plan, folder, config = self.plan, self.folder, self.plan.config
        predictions = {one.name: one.predictions for one in scored if one.out_of_fold or one.test}
        health, proposed = find_issues(
            plan.dataset, plan.duplicates, plan.parts, predictions, config.corrections
        )
        folder.save_corrections(proposed)
        facts = RunFacts.of(plan, opened)
        make_bundles(folder, to_make, scored, facts, plan.dataset, self.tell, early=early)
        give_memory_back()
        results = Results(
            bakeoff_version=__version__,
            created=next(folder.events()).time,
            finished=facts.finished,
            machine=machine_summary(plan.compute),
            dataset=facts.dataset,
            protocol=facts.protocol,
            approaches=self._with_costs(scored),
            health=health,
            **compared(scored, plan.parts, plan.dataset, config),
        )
        results = say_verdict(folder, to_make, with_verdict(results))
        if plan.smaller is not None:
            labels, smaller = plan.dataset.labels, plan.smaller
            points = [
                fit
                for name in config.names
                for fit in fits_of(folder, name, labels, plan.parts, smaller)
            ]
            folder.save_learning(Fit._fields, points)
        folder.save_results(results, probabilities_of(plan.parts, scored))
        write_report(folder)
        verdict = results.verdict
        self.tell(
            RunFinished(
                winner=results.winner.name,
                why=results.winner.why,
                headline=verdict.headline if verdict else None,
                said=verdict.said if verdict else None,
                said_why=verdict.why_said if verdict else [],
            )
        )

    def _with_costs(self, scored: Sequence[Scored]) -> list[ApproachResult]:
        """The results of all approaches, with what their answers cost."""
        folder = self.folder
        units = [CostUnit.of(folder, one.name) for one in scored]
        with InlineExecutor(self.plan.data, folder) as executor:
            executor.do(UnitQueue(units, folder))
        results = []
        for one in scored:
            size, cost = folder.bundle_bytes(one.name), cost_of(folder, one.name)
            results.append(one.result(bytes=size, macs=cost.macs, latency=cost.latency))
        return results
