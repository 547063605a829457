"""The numbers are the same whichever worker trains; a worker that dies costs only its unit."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.data.split import Fold
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import EpochEnded, Event, Preparing
from bakeoff.record.events import WorkerDied as WorkerDiedEvent
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.training.compute import Compute
from bakeoff.workers import crew
from bakeoff.workers.crew import Executor, WorkerDied, WorkerHandle, Workers, threads_for
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import InlineExecutor, PoolExecutor, executor_for
from bakeoff.workers.processes import Processes
from bakeoff.workers.units import FitUnit, Unit
from bakeoff.workers.worker import UnitOutcome

from ..strokes import QUICKLY, strokes
from .test_runner import CPU, FOLD

TWIN = Fold("fold 2", np.arange(15, 50), np.arange(50, 60), np.arange(0, 15))
TINY: dict[str, object] = {"epochs": 2, "stem": "pixels", "filters": "8,8"}


class Recorded:
    """A few units, and all that is heard of them."""

    def __init__(self, *units: Unit, stops_after: int | None = None) -> None:
        self.units = list(units)
        self.stops_after = stops_after
        self.events: list[tuple[str, Event]] = []
        self.ends: list[tuple[str, str | None, bool]] = []

    def left(self) -> int:
        return len(self.units)

    def next(self, last: str | None) -> Unit | None:
        return self.units.pop(0) if self.units else None

    def heard(self, unit: Unit, event: Event) -> bool:
        self.events.append((unit.name, event))
        return isinstance(event, EpochEnded) and event.number == self.stops_after

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        self.ends.append((unit.name, error.problem if error else None, stopped))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    config = RunConfig.parse(source="strokes", approaches=("cnn",))
    return RunFolder.create(tmp_path / "run", config)


@pytest.fixture
def data(folder: RunFolder) -> TrainingData:
    folds = {fold.name: fold for fold in (FOLD, TWIN)}
    return TrainingData.of(folder.config, strokes(), np.arange(60), folds, CPU)


@pytest.fixture(params=["inline", "processes"])
def executor(
    request: pytest.FixtureRequest, data: TrainingData, folder: RunFolder
) -> Iterator[Executor]:
    if request.param == "inline":
        yield InlineExecutor(data, folder)
        return
    with PoolExecutor(Processes(2, data, folder), lambda *_: None) as pool:
        yield pool


def tiny(fold: Fold = FOLD, **settings: object) -> FitUnit:
    return FitUnit("cnn", fold.name, fold.name, TINY | settings)


def test_units_are_done_and_heard(executor: Executor, folder: RunFolder) -> None:
    work = Recorded(tiny(), tiny(TWIN))
    executor.do(work)
    assert sorted(work.ends) == [("fold 1", None, False), ("fold 2", None, False)]
    for name in ("fold 1", "fold 2"):
        kinds = [
            event.event
            for unit, event in work.events
            if unit == name and not isinstance(event, Preparing)
        ]
        assert kinds == ["unit started", "epoch", "epoch", "unit finished"]
        assert folder.has_unit("cnn", name)
    executor.do(Recorded())  # nothing is left to do


def test_a_unit_can_be_stopped_and_nothing_of_it_is_kept(
    executor: Executor, folder: RunFolder
) -> None:
    work = Recorded(tiny(epochs=3000), stops_after=2)
    executor.do(work)
    assert work.ends == [("fold 1", None, True)]
    assert not folder.has_unit("cnn", "fold 1")


def test_a_unit_that_cannot_be_done_is_refused_in_words(executor: Executor) -> None:
    work = Recorded(tiny(learning_rate=1e30, epochs=5), tiny(TWIN, filters="none", kernel_size=2))
    executor.do(work)
    problem = {name: why for name, why, _ in work.ends}
    assert "not a finite number" in str(problem["fold 1"])
    assert "odd kernel" in str(problem["fold 2"])


def test_a_bug_in_a_worker_comes_out_with_its_traceback(
    data: TrainingData, folder: RunFolder
) -> None:
    with (
        PoolExecutor(Processes(1, data, folder), lambda *_: None) as pool,
        pytest.raises(RuntimeError, match=r"(?s)cnn on x failed.*KeyError: 'no such'"),
    ):
        pool.do(Recorded(FitUnit("cnn", "x", "no such", TINY)))


def children() -> list[psutil.Process]:
    """Our workers; a test session has other children, and what is left of them."""
    workers = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it ended, and nobody has waited for it
            if "bakeoff.workers.worker" in child.cmdline():
                workers.append(child)
    return workers


class Killer(Recorded):
    """Kills the worker that trains fold 1, the first few times."""

    def __init__(self, *units: Unit, times: int) -> None:
        super().__init__(*units)
        self.times = times

    def heard(self, unit: Unit, event: Event) -> bool:
        if isinstance(event, EpochEnded) and unit.name == "fold 1" and self.times:
            self.times -= 1
            for child in children():
                child.send_signal(signal.SIGKILL)
        return super().heard(unit, event)


def test_a_unit_whose_worker_dies_is_done_again(data: TrainingData, folder: RunFolder) -> None:
    deaths = []
    work = Killer(tiny(epochs=40), tiny(TWIN), times=1)
    with PoolExecutor(Processes(1, data, folder), lambda *death: deaths.append(death)) as pool:
        pool.do(work)
    assert sorted(name for name, _, _ in work.ends) == ["fold 1", "fold 2"]
    [(unit, how, _)] = deaths
    assert unit is not None
    assert (unit.name, how) == ("fold 1", "by signal 9")


def test_a_unit_that_kills_every_worker_ends_the_run_with_its_log(
    data: TrainingData, folder: RunFolder
) -> None:
    events: list[Event] = []
    work = Killer(tiny(epochs=3000), times=99)
    with (
        executor_for(Workers("local", 2), data, folder, events.append) as executor,
        pytest.raises(BakeoffError, match="3 times its worker died"),
    ):
        executor.do(work)
    deaths = [event for event in events if isinstance(event, WorkerDiedEvent)]
    assert [(event.approach, event.fold) for event in deaths] == [("cnn", "fold 1")] * 3
    assert len(events) == 3
    assert len(list((folder.path / "workers").iterdir())) == 3


class Broken(WorkerHandle):
    """Dies before it is ready, or cannot keep what it did."""

    def __init__(self, error: Exception, *, starts: bool) -> None:
        self.name = "broken"
        self.error = error
        self.starts = starts

    def ready(self) -> UnitOutcome:
        if not self.starts:
            raise self.error
        return {"ended": "ready"}

    def work(self, unit: Unit, tell: object) -> UnitOutcome:
        raise self.error

    def stop(self, unit: Unit) -> None: ...

    def close(self) -> None: ...


class BrokenBackend:
    """Room for two broken workers."""

    def __init__(self, error: Exception, *, starts: bool) -> None:
        self.error = error
        self.starts = starts
        self.closed = False

    def capacity(self) -> int:
        return 2

    def start(self) -> WorkerHandle:
        return Broken(self.error, starts=self.starts)

    def close(self) -> None:
        self.closed = True


def test_workers_that_are_never_ready_end_the_run() -> None:
    backend = BrokenBackend(WorkerDied("at once", "no torch here"), starts=False)
    with (
        PoolExecutor(backend, lambda *_: None) as pool,
        pytest.raises(BakeoffError, match=r"6 times its worker died \(at once\).*no torch here"),
    ):
        pool.do(Recorded(tiny(), tiny(TWIN)))
    assert backend.closed


def test_an_error_of_a_thread_that_listens_ends_the_run() -> None:
    backend = BrokenBackend(OSError("the disk is full"), starts=True)
    with (
        PoolExecutor(backend, lambda *_: None) as pool,
        pytest.raises(OSError, match="the disk is full"),
    ):
        pool.do(Recorded(tiny()))


def test_a_unit_that_was_finished_is_not_done_again(data: TrainingData, folder: RunFolder) -> None:
    InlineExecutor(data, folder).do(Recorded(tiny()))
    again = Recorded(tiny())
    InlineExecutor(data, folder).do(again)
    assert again.ends == [("fold 1", None, False)]
    assert again.events == []


class Careless(Recorded):
    """Fails at the first epoch that it hears of."""

    def heard(self, unit: Unit, event: Event) -> bool:
        return bool(isinstance(event, EpochEnded) and 1 / 0)


def test_no_process_outlives_its_pool(data: TrainingData, folder: RunFolder) -> None:
    with PoolExecutor(Processes(2, data, folder), lambda *_: None) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.do(Careless(tiny(epochs=3000), tiny(TWIN, epochs=3000)))
        processes = children()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert len(processes) == 2
    assert not alive


def test_a_signal_that_comes_as_the_folder_is_made_leaves_none(
    data: TrainingData, folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def mkdir(path: str | Path, mode: int = 0o777) -> None:
        real(path, mode)
        made.append(Path(path))
        raise KeyboardInterrupt

    real, scratch = os.mkdir, tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(KeyboardInterrupt):
        Processes(2, data, folder)
    monkeypatch.undo()
    assert [path.parent for path in made] == [scratch]
    gc.collect()
    assert not any(scratch.iterdir())


def test_the_locked_test_is_not_shipped(data: TrainingData, tmp_path: Path) -> None:
    learnable = np.arange(0, 60, 2)
    part = TrainingData.of(data.config, data.dataset, learnable, data.folds, CPU)
    part = replace(part, corrupted=learnable[:4])
    part.to_ship().save(tmp_path / "shipped")
    shipped = TrainingData.load(tmp_path / "shipped")
    for row in range(60):
        whole = data.dataset.pictures[row]
        if row % 2:
            assert shipped.dataset.pictures[row].size == 0
            assert shipped.dataset.labels[row] == -1
        else:
            assert np.array_equal(shipped.dataset.pictures[row], whole)
            assert shipped.dataset.labels[row] == data.dataset.labels[row]
    assert shipped.config == data.config
    assert shipped.compute == CPU
    assert shipped.task == part.task
    assert shipped.task.pictures == 30
    assert np.array_equal(shipped.corrupted, learnable[:4])
    assert list(shipped.folds) == list(part.folds)
    for name, fold in part.folds.items():
        for rows in ("train", "validation", "held_out"):
            assert np.array_equal(getattr(shipped.folds[name], rows), getattr(fold, rows))
    pixels = data.dataset.pictures.nbytes // 2
    assert pixels < part.to_ship().nbytes < pixels + 20_000


@pytest.mark.parametrize(
    "text", ["local", "local:0", "0", "-1", "local:x", "ray://", "ray://ten", "spark", "auto:2", ""]
)
def test_workers_that_cannot_be_parsed_are_refused(text: str) -> None:
    with pytest.raises(BakeoffError, match="Use auto, local:N"):
        Workers.parse(text)


def test_workers_are_parsed_from_text() -> None:
    assert Workers.parse("auto") == Workers("auto")
    assert Workers.parse("local:3") == Workers.parse("3") == Workers("local", 3)
    assert Workers.parse("ray") == Workers("ray")
    assert Workers.parse("ray://ten:10001") == Workers("ray", address="ray://ten:10001")


def test_the_number_of_workers_follows_from_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 8)
    monkeypatch.setattr(crew, "MEMORY", 1)
    auto, cpu = Workers("auto"), Compute("cpu", 2, False)
    assert auto.settled(24, 10, cpu) == Workers("local", 1)
    assert auto.settled(24, 100, cpu) == Workers("local", 4)
    assert auto.settled(3, 100, cpu) == Workers("local", 3)
    assert auto.settled(24, 100, Compute("cuda", 2, False)) == Workers("local", 1)
    assert Workers("local", 5).settled(1, 0, cpu) == Workers("local", 5)
    assert [threads_for(units, "cpu") for units in (1, 3, 6, 11)] == [8, 2, 1, 1]
    assert threads_for(6, "cuda") == 8


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return read("digits").take(np.arange(60))


OPTIONS: dict[str, Any] = QUICKLY | {"robustness": True, "approaches": ("baseline", "cnn")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> RunFolder:
    """A run that one worker trained; only to be read."""
    return bake(digits, tmp_path_factory.mktemp("alone") / "run", **OPTIONS, workers="local:1")


def test_the_numbers_are_the_same_whichever_worker_trains(
    tmp_path: Path, digits: Dataset, alone: RunFolder
) -> None:
    together = bake(digits, tmp_path / "together", **OPTIONS, workers="local:2")
    expected, found = alone.probabilities(), together.probabilities()
    assert expected.keys() == found.keys()
    assert all(expected[name].tobytes() == found[name].tobytes() for name in expected)
    figures = [
        [(result.out_of_fold, result.robustness) for result in run.results().approaches]
        for run in (alone, together)
    ]
    assert figures[0] == figures[1]


def test_other_workers_can_resume_a_run(tmp_path: Path, digits: Dataset, alone: RunFolder) -> None:
    begun = RunFolder(Path(shutil.copytree(alone.path, tmp_path / "run")))
    before = begun.probabilities()
    for unit in (begun.unit("cnn", "fold 2"), begun.unit("cnn", "final")):
        for file in unit.iterdir():
            file.unlink()
        unit.rmdir()
    after = resume(begun.path, dataset=digits, workers="local:2").probabilities()
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_approaches_with_the_same_input_share_what_is_prepared() -> None:
    def key(name: str, *, pictures: int, **settings: str | float) -> tuple[object, ...]:
        of = Task(classes=3, pictures=pictures, side=28, channels=1, mode="ink")
        return configure(name, settings).input_key(of)

    for pictures in (800, 60_000):
        plain = key("cnn", pictures=pictures)
        assert plain == key("cnn", pictures=pictures, filters="8", dropout=0.5)
        assert plain != key("cnn", pictures=pictures, side=32)
        assert plain != key("cnn", pictures=pictures, augment=0.0)
        # Both look at the same wavelets.
        assert (plain == key("vit", pictures=pictures)) == (pictures == 800)
