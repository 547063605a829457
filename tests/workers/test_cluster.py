"""The same numbers from a real cluster of two nodes, and what happens when a part of it dies."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError
from bakeoff.record.events import (
    EpochEnded,
    Event,
    PicturesCorrupted,
    UnitFinished,
    UnitStarted,
    WorkerDied,
)
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.workers import cluster, pool
from bakeoff.workers.graph import kept_graph
from bakeoff.workers.robustness import PICTURES

from ..strokes import QUICKLY
from .nodes import Nodes

SETTINGS = {"": {"epochs": 2}, "cnn": {"filters": (8, 8)}, "vit": {"embed_dim": 16, "depth": 1}}
OPTIONS: dict[str, Any] = QUICKLY | {
    "approaches": ("baseline", "cnn", "vit"),
    "settings": SETTINGS,
    "folds": 5,
    "robustness": True,
}
ONE = OPTIONS | {"approaches": ("baseline",), "settings": {"": {"epochs": 2}}}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return read("digits").take(np.arange(120))


@pytest.fixture(scope="module", autouse=True)
def few_corrupted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PICTURES, "standard", 10)
        yield


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> RunFolder:
    return bake(digits, tmp_path_factory.mktemp("alone") / "run", **OPTIONS, workers="local:1")


@pytest.fixture(scope="module", autouse=True)
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        # Else Ray would take one from the home folder, or even leave one there.
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        nodes = Nodes()
        yield nodes
        nodes.close()


@pytest.fixture(scope="module")
def ray(nodes: Nodes) -> ModuleType:
    import ray  # it looks once, now, whether there is a token

    return ray


@pytest.fixture
def inside(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both nodes, for a driver on one of them: Ray's client server can be slow to start anew."""
    nodes.both()
    monkeypatch.setenv("RAY_ADDRESS", nodes.inside)
    return "ray"


def same(run: RunFolder, whole: RunFolder) -> None:
    """Assert that a run found the same as one of as many approaches or more, byte by byte."""
    found, expected = run.probabilities(), whole.probabilities()
    assert all(found[name].tobytes() == expected[name].tobytes() for name in found)
    robustness = {result.name: result.robustness for result in whole.results().approaches}
    for result in run.results().approaches:
        assert result.robustness == robustness[result.name]


def once(run: RunFolder) -> None:
    """Assert that no unit was finished twice."""
    ends = Counter(
        (event.event, event.approach, event.fold)
        for event in run.events()
        if isinstance(event, UnitFinished | PicturesCorrupted)
    )
    assert set(ends.values()) == {1}
    assert len(ends) == 3 * (5 + 1 + 5)


class Watch:
    """Does something once, when `count` units are trained at the same time."""

    def __init__(self, then: Callable[[], object], count: int = 2) -> None:
        self.then: Callable[[], object] | None = then
        self.count = count
        self.at_work: set[tuple[str, str]] = set()

    def __call__(self, event: Event) -> None:
        if isinstance(event, UnitStarted):
            self.at_work.add((event.approach, event.fold))
        elif isinstance(event, UnitFinished):
            self.at_work.remove((event.approach, event.fold))
        elif isinstance(event, EpochEnded) and len(self.at_work) == self.count and self.then:
            then, self.then = self.then, None
            then()


def test_the_same_numbers_from_a_node(
    tmp_path: Path, digits: Dataset, nodes: Nodes, ray: ModuleType
) -> None:
    asked = ONE | {"folds": 2, "robustness": False}
    alone, run = (
        bake(digits, tmp_path / workers.replace(":", ""), **asked, workers=workers)
        for workers in ("local:1", nodes.one())
    )
    same(run, alone)
    assert run.probabilities().keys() == alone.probabilities().keys()
    assert not ray.is_initialized()


@pytest.mark.long
def test_the_same_numbers_from_two_nodes(
    tmp_path: Path, digits: Dataset, alone: RunFolder, nodes: Nodes, ray: ModuleType
) -> None:
    run = bake(digits, tmp_path / "run", **OPTIONS, workers=nodes.both())
    same(run, alone)
    once(run)
    assert run.probabilities().keys() == alone.probabilities().keys()
    assert not ray.is_initialized()


def stop() -> None:
    """What Ctrl-C does, but where the shell has made us deaf to it."""
    raise KeyboardInterrupt


@pytest.mark.long
def test_a_run_of_a_cluster_is_resumed_here(
    tmp_path: Path, digits: Dataset, alone: RunFolder, inside: str, ray: ModuleType
) -> None:
    watch = Watch(stop)
    with pytest.raises(KeyboardInterrupt):
        bake(digits, tmp_path / "run", **OPTIONS, workers=inside, on_event=watch)
    assert not ray.is_initialized()
    run = resume(tmp_path / "run", dataset=digits, workers="local:2")
    same(run, alone)
    once(run)


@pytest.mark.long
def test_a_cluster_is_started_where_there_is_none(
    tmp_path: Path,
    digits: Dataset,
    alone: RunFolder,
    ray: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    init = ray.init

    def none_yet(address: str | None = None, **more: object) -> None:
        if address == "auto":
            raise ConnectionError
        init(address, **more)

    monkeypatch.setattr(ray, "init", none_yet)
    run = bake(digits, tmp_path / "run", **ONE | {"bundles": True}, workers="ray")
    same(run, alone)
    assert kept_graph(run, "baseline")  # traced by an actor, and kept here
    assert not ray.is_initialized()


@pytest.mark.long
def test_a_cluster_without_room_ends_the_run(
    tmp_path: Path, digits: Dataset, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 3.0)
    options = ONE | {"threads": 2}  # no node has two cores
    with pytest.raises(BakeoffError, match="none was ready within 3 s"):
        bake(digits, tmp_path / "run", **options, workers=inside)


@pytest.mark.long
def test_a_node_that_dies_costs_only_its_unit(
    tmp_path: Path, digits: Dataset, alone: RunFolder, nodes: Nodes, inside: str
) -> None:
    watch = Watch(nodes.kill_second)
    run = bake(digits, tmp_path / "run", **OPTIONS, workers=inside, on_event=watch)
    assert watch.then is None
    same(run, alone)
    once(run)
    events = list(run.events())
    [death] = [event for event in events if isinstance(event, WorkerDied) and event.fold]
    lost = (death.approach, death.fold)
    starts = Counter(
        (event.approach, event.fold) for event in events if isinstance(event, UnitStarted)
    )
    assert {unit for unit, times in starts.items() if times > 1} <= {lost}
    before = events[: events.index(death)]
    assert lost not in {
        (event.approach, event.fold) for event in before if isinstance(event, UnitFinished)
    }


@pytest.mark.long
def test_a_cluster_that_dies_ends_the_run_in_words(
    tmp_path: Path,
    digits: Dataset,
    alone: RunFolder,
    nodes: Nodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "2")
    nodes.kill_head()
    watch = Watch(nodes.kill_head, count=1)
    with pytest.raises(BakeoffError, match="the cluster is gone"):
        bake(digits, tmp_path / "run", **ONE, workers=nodes.one(), on_event=watch)
    run = resume(tmp_path / "run", dataset=digits, workers="local:1")
    same(run, alone)


def test_an_address_without_a_cluster_is_refused(
    tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "KNOCKS", 0.3)
    with pytest.raises(BakeoffError, match=r"workers ray://127.0.0.1:1.*no cluster answers"):
        bake(digits, tmp_path / "run", **OPTIONS, workers="ray://127.0.0.1:1")


def test_a_head_that_opens_a_moment_later_is_waited_for() -> None:
    with socket.socket() as head:
        head.bind(("127.0.0.1", 0))
        opens = threading.Timer(0.3, head.listen)
        opens.start()
        cluster.knock(f"ray://127.0.0.1:{head.getsockname()[1]}")
        opens.join()
        assert head.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_without_ray(tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BakeoffError, match=r"Ray is not installed.*bakeoff\[ray\]"):
        bake(digits, tmp_path / "run", **OPTIONS, workers="ray")
