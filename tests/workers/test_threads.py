"""Threads of one process share what they prepare, and fit the same numbers as one alone."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from bakeoff.approaches.cnn import CNN
from bakeoff.approaches.scattering import Scatterer
from bakeoff.data.pictures import Pictures
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Event
from bakeoff.record.folder import RunFolder
from bakeoff.training.compute import Compute
from bakeoff.training.eye import Sights
from bakeoff.workers import pool
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import InlineExecutor, PoolExecutor, executor_here
from bakeoff.workers.threads import Threads
from bakeoff.workers.units import HELD_OUT, PROBES, FitUnit

from ..strokes import strokes
from .test_crew import TWIN, Recorded
from .test_runner import FOLD

ONE_THREAD = Compute("cpu", 1, False)
FOLDS = (FOLD, TWIN)


@pytest.fixture
def data() -> TrainingData:
    config = RunConfig.parse(source="strokes", approaches=("scattering",))
    folds = {fold.name: fold for fold in FOLDS}
    return TrainingData.of(config, strokes(), np.arange(60), folds, ONE_THREAD)


def folder_at(path: Path, data: TrainingData) -> RunFolder:
    return RunFolder.create(path, data.config)


def units() -> list[FitUnit]:
    return [FitUnit.of("scattering", fold) for fold in FOLDS]


def test_threads_fit_the_same_numbers_as_one_worker(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = Sights.look

    def counted(sights: Sights, pictures: Pictures) -> Tensor:
        looks.append(len(pictures))
        return look(sights, pictures)

    monkeypatch.setattr(Sights, "look", counted)
    alone, together = (folder_at(tmp_path / name, data) for name in ("alone", "together"))
    InlineExecutor(data, alone).do(Recorded(*units()))
    once = sorted(looks)
    work = Recorded(*units())
    with PoolExecutor(Threads(2, data, together), lambda *_: None) as executor:
        executor.do(work)
    assert sorted(work.ends) == [("fold 1", None, False), ("fold 2", None, False)]
    assert sorted(looks) == sorted(2 * once), "what all share is computed once"
    for fold in FOLDS:
        _, expected = alone.load_unit("scattering", fold.name)
        _, arrays = together.load_unit("scattering", fold.name)
        for name in (*HELD_OUT, *PROBES):
            assert np.array_equal(arrays[name], expected[name]), name
        told = [event.event for unit, event in work.events if unit == fold.name]
        assert [kind for kind in told if kind != "preparing"] == [
            "unit started",
            "epoch",
            "unit finished",
        ]


def test_units_are_at_work_at_the_same_time(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=60)
    fit = Scatterer.fit

    def fit_together(*given: object, **how: object) -> object:
        both.wait()  # raises unless a second fit comes
        return fit(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Scatterer, "fit", fit_together)
    work = Recorded(*units())
    with PoolExecutor(Threads(2, data, folder_at(tmp_path / "run", data)), lambda *_: None) as one:
        one.do(work)
    assert len(work.ends) == 2


def test_closing_waits_for_what_is_at_work(data: TrainingData, tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "run", data)

    class Failing(Recorded):
        def heard(self, unit: object, event: Event) -> bool:
            raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        PoolExecutor(Threads(2, data, folder), lambda *_: None) as executor,
    ):
        executor.do(Failing(*units()))
    for fold in FOLDS:
        folder.load_unit("scattering", fold.name)  # whole


def test_a_failure_in_a_thread_ends_the_run(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scatterer, "fit", lambda *_, **__: 1 / 0)
    with (
        pytest.raises(RuntimeError, match=r"failed in its worker:[\s\S]*ZeroDivisionError"),
        PoolExecutor(Threads(2, data, folder_at(tmp_path / "run", data)), lambda *_: None) as one,
    ):
        one.do(Recorded(*units()))


@pytest.mark.parametrize(
    ("approach", "compute", "cores", "threads"),
    [
        (Scatterer(), ONE_THREAD, 2, True),
        (Scatterer(), ONE_THREAD, 1, False),
        (Scatterer(), Compute("cpu", 2, False), 3, False),
        (Scatterer(), Compute("cuda", 1, False), 8, False),
        (CNN(), ONE_THREAD, 2, False),  # dropout draws from the random numbers of the process
    ],
)
def test_threads_are_for_what_is_solved_and_cores_that_are_idle(
    approach: Scatterer | CNN,
    compute: Compute,
    cores: int,
    threads: bool,
    data: TrainingData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "cores", lambda: cores)
    data = TrainingData.of(data.config, data.dataset, data.rows, data.folds, compute)
    executor = executor_here(approach, data, folder_at(tmp_path / "run", data))
    assert isinstance(executor, PoolExecutor) == threads
