"""Workers on a Ray cluster: the material is shipped once a node, finished units come back."""

from __future__ import annotations

import os
import queue
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.material import Material
from bakeoff.run.units import Stopped, Unit
from bakeoff.run.worker import Ending, Worker, ending_of
from bakeoff.run.workers import Died, Hand
from bakeoff.training.compute import keep_freed_memory

__all__ = ["Cluster"]

GPU = 0.25  # of a graphics card: the models are small, and four fill it


class Cluster:
    """Room for as many as the cluster has cores, as it grows and shrinks.

    Parameters
    ----------
    address : ``ray://HOST:PORT``; None for a cluster that runs on this machine, or else a new one
        that ends with this process.

    Raises
    ------
    BakeoffError
        Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str | None, material: Material, folder: RunFolder) -> None:
        self.ray = _connected(address)
        self.folder = folder
        self.compute = material.compute
        # One copy a node, which all of its workers read where it lies.
        self.shipped = self.ray.put(material.to_ship())
        self._hired = 0

    def places(self) -> int:
        cores = int(self.ray.cluster_resources().get("CPU", 1))
        return max(1, cores // self.compute.threads)

    def hire(self) -> Hand:
        self._hired += 1
        return _Actor(f"actor {self._hired}", self)


class _Actor(Hand):
    """An actor of Ray. It is asked what is new, since Ray's own client knows no streams."""

    def __init__(self, name: str, room: Cluster) -> None:
        self.name = name
        self._ray = room.ray
        self._folder = room.folder
        asked = room.ray.remote(_Remote).options(
            num_cpus=room.compute.threads,
            num_gpus=GPU if room.compute.device.startswith("cuda") else 0,
            max_concurrency=3,  # it works, and is asked, and is told to stop
            max_restarts=0,
        )
        self._actor = asked.remote(room.shipped)

    def ready(self) -> Ending:
        return dict(self._get(self._actor.ready.remote()))

    def work(self, unit: Unit, tell: Callable[[str, dict[str, object]], None]) -> Ending:
        needed = {}
        if unit.kind == "changed":  # the model to ask
            needed = self._folder.unit_files(unit.approach, unit.fold)
        self._get(self._actor.begin.remote(asdict(unit), needed))
        while True:
            for message in self._get(self._actor.hear.remote()):
                if "ended" not in message:
                    tell(message["event"], message["details"])
                    continue
                if files := message.pop("files", None):
                    self._folder.save_unit_files(unit.approach, unit.name, files)
                return dict(message)

    def stop(self, unit: Unit) -> None:
        self._actor.stop.remote(unit.approach, unit.name)

    def close(self) -> None:
        with suppress(Exception):  # the cluster may be gone
            self._ray.kill(self._actor)

    def _get(self, asked: Any) -> Any:
        try:
            return self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines()
            raise Died(f"{type(error).__name__}", "\n".join(lines)) from None


class _Remote:
    """What runs on a node."""

    def __init__(self, material: Material) -> None:
        keep_freed_memory()
        material.compute.apply()
        self._scratch = tempfile.TemporaryDirectory(prefix="bakeoff-")
        self._folder = RunFolder(Path(self._scratch.name))
        self._worker = Worker(material, self._folder, self._tell)
        self._news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._unwanted: set[tuple[str, str]] = set()

    def ready(self) -> Ending:
        return {"ended": "ready"}

    def begin(self, asked: dict[str, Any], needed: dict[str, bytes]) -> None:
        unit = Unit(**asked)
        if needed and not self._folder.has_unit(unit.approach, unit.fold):
            self._folder.save_unit_files(unit.approach, unit.fold, needed)
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
        ending = ending_of(self._worker, unit)
        if ending["ended"] == "done":
            ending["files"] = self._folder.unit_files(unit.approach, unit.name)
        self._news.put(ending)

    def _tell(self, kind: str, /, **details: Any) -> None:
        self._news.put({"event": kind, "details": details})
        if kind == "epoch" and (details["approach"], details["fold"]) in self._unwanted:
            raise Stopped


def _connected(address: str | None) -> Any:
    """Ray, with a cluster behind it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
    except ImportError:
        raise BakeoffError(
            "workers ray", "Ray is not installed", "pip install 'bakeoff[ray]'"
        ) from None
    if ray.is_initialized():
        return ray
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is not None:
            ray.init(address, **quiet)
            return ray
        try:
            ray.init("auto", **quiet)
        except ConnectionError:
            ray.init(include_dashboard=False, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BakeoffError(
            f"workers {address or 'ray'}",
            f"no cluster answers ({str(error).splitlines()[0]})",
            "See that one runs there (ray start --head) with the same versions of Ray and Python",
        ) from None
    return ray
