"""The order of a run: each approach is scored early, and no figure depends on the order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.record.events import ApproachScored, Event, GraphTraced, UnitStarted
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.run.plan import Plan
from bakeoff.workers.robustness import CorruptionBenchmark
from bakeoff.workers.run_queue import RunQueue
from bakeoff.workers.units import Unit

from ..run.test_resume import same
from ..strokes import QUICKLY, strokes


class Walk:
    """A queue over a finished run, whose units are taken from it instead of being computed."""

    def __init__(self, finished: RunFolder, path: Path, seconds: dict[str, float]) -> None:
        self.finished = finished
        self.folder = RunFolder.create(path, finished.config)
        plan = Plan.on(strokes(), finished.config)
        runners = plan.runners(self.folder, lambda _: None)
        benchmark = CorruptionBenchmark(plan.data, self.folder, plan.parts, lambda _: None)
        names = finished.config.names
        self.scored: list[tuple[str, int]] = []  # and how many units were done by then
        self.done: list[tuple[str, str]] = []
        self.queue = RunQueue(
            runners,
            plan.parts,
            (),
            names,
            benchmark,
            lambda _: None,
            lambda name: self.scored.append((name, len(self.done))),
        )
        self.queue.seconds = seconds

    def do(self, unit: Unit) -> None:
        for approach, name in unit.keeps:
            source = self.finished.unit(approach, name)
            shutil.copytree(source, self.folder.unit(approach, name))
        self.done.append((unit.approach, unit.name.split()[0]))
        self.queue.ended(unit, None, stopped=False)

    def with_workers(self, count: int, pick: Callable[[Sequence[int]], int] = min) -> None:
        """Let workers do all of it; `pick` says which of the busy ones is done next."""
        busy: dict[int, Unit] = {}
        last: dict[int, str] = {}
        while True:
            for worker in range(count):
                if worker not in busy and (unit := self.queue.next(last.get(worker))):
                    busy[worker], last[worker] = unit, unit.approach
            if not busy:
                return
            self.do(busy.pop(pick(list(busy))))


@pytest.mark.parametrize("cheapest", ["baseline", "cnn"])
def test_the_cheapest_approach_is_scored_before_the_next_one_begins(
    finished: RunFolder, tmp_path: Path, cheapest: str
) -> None:
    seconds = {"baseline": 10.0, "cnn": 10.0} | {cheapest: 1.0}
    walk = Walk(finished, tmp_path / "run", seconds)
    assert walk.queue.left() == 8
    walk.with_workers(1)
    other = "cnn" if cheapest == "baseline" else "baseline"
    assert walk.scored == [(cheapest, 4), (other, 8)]
    assert [name for _, name in walk.done] == ["fold", "fold", "final", "graph"] * 2
    assert walk.queue.left() == 0


def test_two_workers_begin_with_two_approaches_and_join_for_the_last(
    finished: RunFolder, tmp_path: Path
) -> None:
    walk = Walk(finished, tmp_path / "run", {"baseline": 1.0, "cnn": 10.0})
    first, second = walk.queue.next(None), walk.queue.next(None)
    assert first is not None
    assert second is not None
    assert (first.approach, second.approach) == ("baseline", "cnn")
    third = walk.queue.next(None)  # nobody is free of company any more: where most is left
    assert third is not None
    assert (third.approach, third.name) == ("cnn", "fold 2")


def test_one_approach_can_be_done_alone(finished: RunFolder, tmp_path: Path) -> None:
    walk = Walk(finished, tmp_path / "run", {})
    walk.queue.only = "cnn"
    assert walk.queue.left() == 4
    walk.with_workers(2)
    assert walk.scored == [("cnn", 4)]
    walk.queue.only = None
    assert walk.queue.left() == 4
    walk.with_workers(2)
    assert walk.scored == [("cnn", 4), ("baseline", 8)]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_all_is_done_once_in_whatever_order_workers_finish(
    finished: RunFolder, tmp_path: Path, workers: int
) -> None:
    rng = np.random.default_rng(workers)
    walk = Walk(finished, tmp_path / "run", {"baseline": 3.0, "cnn": 2.0})
    walk.with_workers(workers, lambda busy: int(rng.choice(busy)))
    assert len(walk.done) == 8
    assert sorted(name for name, _ in walk.scored) == ["baseline", "cnn"]
    for name in finished.config.names:
        order = [unit for approach, unit in walk.done if approach == name]
        assert order == ["fold", "fold", "final", "graph"]


def test_a_resumed_queue_knows_what_is_scored(finished: RunFolder, tmp_path: Path) -> None:
    walk = Walk(finished, tmp_path / "run", {})
    walk.queue.only = "baseline"
    walk.with_workers(1)
    again = Plan.on(strokes(), finished.config)
    runners = again.runners(walk.folder, lambda _: None)
    benchmark = CorruptionBenchmark(again.data, walk.folder, again.parts, lambda _: None)
    names = finished.config.names
    queue = RunQueue(runners, again.parts, (), names, benchmark, lambda _: None)
    assert (queue.scored, queue.left()) == (["baseline"], 4)


def test_the_order_changes_no_figure(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(RunQueue, "_rank", lambda *_: (False, False, float(rng.random())))
    started: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, UnitStarted):
            started.append(event.approach)

    more: dict[str, Any] = {"workers": "local:1", "on_event": listen}
    run = bake(strokes(), tmp_path / "run", test=0.2, **QUICKLY | more)
    assert started not in (sorted(started), sorted(started, reverse=True))  # mixed
    same(run, finished)


def test_an_approach_is_scored_before_others_train(finished: RunFolder) -> None:
    kinds = (UnitStarted, GraphTraced, ApproachScored)
    events = [event for event in finished.events() if isinstance(event, kinds)]
    cnn = next(at for at, event in enumerate(events) if event.approach == "cnn")
    assert isinstance(events[cnn - 1], ApproachScored)
    assert {event.approach for event in events[:cnn]} == {"baseline"}
