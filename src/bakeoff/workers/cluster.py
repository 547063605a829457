"""Workers on a Ray cluster: the material is shipped once a node, finished units come back."""

from __future__ import annotations

import os
import queue
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bakeoff.errors import BakeoffError
from bakeoff.record.events import EpochEnded, Event, parse_event
from bakeoff.record.folder import RunFolder
from bakeoff.training.compute import ready_process
from bakeoff.workers.crew import WorkerDied, WorkerHandle
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import KEPT_EVENTS, Stopped, Tell, Unit, unit_from_json
from bakeoff.workers.worker import UnitOutcome, Worker, outcome_of

__all__ = ["Cluster", "knock"]

GPU = 0.25  # of a graphics card: the models are small, and four fill it
KNOCKS = 5.0  # seconds for somebody to open; Ray's client alone would stand there for thirty
BETWEEN_KNOCKS = 0.1  # seconds
LOOKS = 1.0  # seconds between two looks at how large the cluster is: each asks its head


class Cluster:
    """Room for as many as the cluster has cores, as it grows and shrinks.

    Parameters
    ----------
    address : ``ray://HOST:PORT``; None for a cluster that runs on this machine, or else a new one
        that ends with this process.

    Raises
    ------
    BakeoffError
        Ray is not installed, there is no cluster at the address, or it is gone.
    """

    def __init__(self, address: str | None, data: TrainingData, folder: RunFolder) -> None:
        self.name = address or "ray"
        self.ray, self._ours = _connected(address)
        self.folder = folder
        self.needs = {"CPU": float(data.compute.threads)}
        if data.compute.device.startswith("cuda"):
            self.needs["GPU"] = GPU
        with self._there():
            # One copy a node, which all of its workers read where it lies.
            self.shipped = self.ray.put(data.to_ship())
        self._started = 0
        self._looked = -LOOKS
        self._capacity = 1

    def capacity(self) -> int:
        if time.monotonic() - self._looked >= LOOKS:
            with self._there():
                nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
            backend = sum(
                min(int(node.get(what, 0) / share) for what, share in self.needs.items())
                for node in nodes
            )
            self._capacity = max(1, backend)  # where there is room for none, one waits for it
            self._looked = time.monotonic()
        return self._capacity

    def start(self) -> WorkerHandle:
        self._started += 1
        with self._there():
            return _Actor(f"actor {self._started}", self)

    def close(self) -> None:
        if self._ours:  # whatever else this process does with Ray goes on
            with suppress(Exception):
                self.ray.shutdown()

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # Ray has no one kind for it
            raise BakeoffError(
                f"workers {self.name}",
                f"the cluster is gone ({_in_short(error)})",
                "What is finished stays: bakeoff run --resume goes on, there or with other workers",
            ) from error


class _Actor(WorkerHandle):
    """An actor of Ray. It is asked what is new, since Ray's own client knows no streams."""

    def __init__(self, name: str, backend: Cluster) -> None:
        self.name = name
        self._ray = backend.ray
        self._folder = backend.folder
        asked = backend.ray.remote(_Remote).options(
            num_cpus=backend.needs["CPU"],
            num_gpus=backend.needs.get("GPU", 0),
            max_concurrency=3,  # it works, and is asked, and is told to stop
            max_restarts=0,
        )
        self._actor = asked.remote(backend.shipped)

    def ready(self) -> UnitOutcome:
        return dict(self._get(self._actor.ready.remote()))

    def work(self, unit: Unit, tell: Tell) -> UnitOutcome:
        needed = [(*kept, self._folder.unit_files(*kept)) for kept in unit.needs]
        # Weights are put beside the call: Ray's client warns of calls of more than 10 MB in all.
        self._get(self._actor.begin.remote(unit.to_json(), self._ray.put(needed)))
        while True:
            for message in self._get(self._actor.hear.remote()):
                if "ended" not in message:
                    tell(parse_event(message["event"]))
                    continue
                for approach, name, files in message.pop("files", ()):
                    self._folder.save_unit_files(approach, name, files)
                for event in message.pop("last"):
                    tell(parse_event(event))
                return dict(message)

    def stop(self, unit: Unit) -> None:
        with suppress(Exception):  # it is gone, as whoever listens to it will hear
            self._actor.stop.remote(unit.approach, unit.name)

    def close(self) -> None:
        with suppress(Exception):  # the cluster may be gone
            self._ray.kill(self._actor)

    def _get(self, asked: Any) -> Any:
        try:
            return self._ray.get(asked)
        except Exception as error:  # Ray's own, or of whatever carries it
            raise WorkerDied(type(error).__name__, str(error).strip()) from None


class _Remote:
    """What runs on a node."""

    def __init__(self, data: TrainingData) -> None:
        ready_process()
        data.compute.apply()
        self._scratch = tempfile.TemporaryDirectory(prefix="bakeoff-")
        self._folder = RunFolder(Path(self._scratch.name))
        self._worker = Worker(data, self._folder, self._tell)
        self._news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._unwanted: set[tuple[str, str]] = set()
        self._last: list[dict[str, Any]] = []

    def ready(self) -> UnitOutcome:
        return {"ended": "ready"}

    def begin(
        self, values: dict[str, Any], needed: list[tuple[str, str, dict[str, bytes]]]
    ) -> None:
        unit = unit_from_json(values)
        for approach, name, files in needed:
            if not self._folder.has_unit(approach, name):
                self._folder.save_unit_files(approach, name, files)
        threading.Thread(target=self._do, args=(unit,), daemon=True).start()

    def hear(self) -> list[dict[str, Any]]:
        """What is new, when there is something."""
        news = [self._news.get()]
        with suppress(queue.Empty):
            while True:
                news.append(self._news.get_nowait())
        return news

    def stop(self, approach: str, name: str) -> None:
        self._unwanted.add((approach, name))

    def _do(self, unit: Unit) -> None:
        self._last = []
        outcome = outcome_of(self._worker, unit)
        if outcome["ended"] == "done":
            outcome["files"] = [(*kept, self._folder.unit_files(*kept)) for kept in unit.keeps]
        self._news.put(outcome | {"last": self._last})

    def _tell(self, event: Event) -> None:
        values = event.model_dump(mode="json")
        if isinstance(event, KEPT_EVENTS):
            # With its files: a unit that is reported must not be lost with its node.
            self._last.append(values)
        else:
            self._news.put({"event": values})
        if isinstance(event, EpochEnded) and (event.approach, event.fold) in self._unwanted:
            raise Stopped


def _connected(address: str | None) -> tuple[Any, bool]:
    """Ray, with a cluster behind it, and whether it was brought there by this."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
    except ImportError:
        raise BakeoffError(
            "workers ray", "Ray is not installed", "pip install 'bakeoff[ray]'"
        ) from None
    if ray.is_initialized():
        return ray, False
    no_cluster = (ImportError, OSError, RuntimeError, ValueError, ray.exceptions.RayError)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is not None:
            knock(address)
            try:
                ray.init(address, **quiet)
            except ConnectionAbortedError:
                # On a busy head the server for this client may not come up within Ray's time.
                ray.init(address, **quiet)
        else:
            try:
                ray.init("auto", **quiet)
            except ConnectionError:
                ray.init(include_dashboard=False, **quiet)
    except no_cluster as error:
        raise BakeoffError(
            f"workers {address or 'ray'}",
            f"no cluster answers ({_in_short(error)})",
            "See that one runs there (ray start --head) with the same versions of Ray and Python, "
            "and that its token is here if it has one (RAY_AUTH_MODE=token)",
        ) from None
    return ray, True


def knock(address: str) -> None:
    """Wait until somebody opens: a head says that it has started a moment before it does."""
    where = urlsplit(address)
    until = time.monotonic() + KNOCKS
    while True:
        try:
            socket.create_connection((where.hostname, where.port), timeout=KNOCKS).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(BETWEEN_KNOCKS)


def _in_short(error: Exception) -> str:
    """Ray's errors hold whole tracebacks: what it is, and what it came from."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(dict.fromkeys((lines[0], lines[-1])))
