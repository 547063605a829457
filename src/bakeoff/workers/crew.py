"""The one door to whatever trains: here, in processes of this machine, or on a cluster.

Work is cut into units, each seeded by its name and done with the arithmetic that the run settled,
so the numbers are the same whoever does them. A unit whose worker dies is given to another.
"""

from __future__ import annotations

import queue
import re
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol

import psutil

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.training.compute import Compute, cores
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Stopped, Tell, Unit
from bakeoff.workers.worker import UnitOutcome, Worker

__all__ = [
    "Backend",
    "Executor",
    "InlineExecutor",
    "PoolExecutor",
    "Work",
    "WorkerDied",
    "WorkerHandle",
    "Workers",
    "executor_for",
    "threads_for",
]

TRIES = 3  # times a unit is begun whose workers die
WORTH_STARTING = 15.0  # seconds of work: a worker takes some three to import torch
MEMORY = 1_500_000_000  # bytes that a worker may come to hold
PATIENCE = 300.0  # seconds that nobody may be ready; a cluster may have to start machines first


@dataclass(frozen=True)
class Workers:
    """Who trains: `kind` and how many, or the address of a cluster."""

    kind: Literal["auto", "local", "ray"]
    count: int | None = None
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> Workers:
        """From ``auto``, ``local:N``, ``ray`` or ``ray://HOST:PORT``.

        Raises
        ------
        BakeoffError
            It is none of these.
        """
        kind, _, count = text.partition(":")
        if text in ("auto", "ray"):
            return cls(text)  # type: ignore[arg-type]  # one of the two
        if re.fullmatch(r"ray://.+:\d+", text):
            return cls("ray", address=text)
        if kind == "local" and count.isdecimal() and int(count) > 0:
            return cls("local", int(count))
        raise BakeoffError(
            f"workers {text}", "is not understood", "Say auto, local:N, ray or ray://HOST:PORT"
        )

    def settled(self, units: int, seconds: float, compute: Compute) -> Workers:
        """Those to hire for so many units, which would take one worker so long.

        "auto" stays in this process where starting others would take longer than they save, and
        on a graphics card, which one fit keeps busy.
        """
        if self.kind != "auto":
            return self
        count = 1
        if compute.device == "cpu" and seconds > WORTH_STARTING:
            memory = psutil.virtual_memory().available // MEMORY
            count = max(1, min(units, cores() // compute.threads, memory))
        return Workers("local", count)


def threads_for(units: int, device: str) -> int:
    """How many threads each unit gets, of an approach that has so many.

    One where there are units enough for all cores: on two, two units at a time were 1.3 times as
    fast as one after another with both cores (benchmarks/workers.txt). It hangs on what is asked
    and on the machine where it is asked, never on the workers, since the number of threads changes
    the last bits of a sum.
    """
    return max(1, cores() // units) if device == "cpu" else cores()


class Work(Protocol):
    """What there is to do, and what becomes of it. All is called from one thread."""

    def left(self) -> int:
        """How many units are still to be given out, at most."""

    def next(self, last: str | None) -> Unit | None:
        """Something to do for a worker whose last unit was of this approach; None: nothing now."""

    def heard(self, unit: Unit, kind: str, details: dict[str, object]) -> bool:
        """Take in what happened; True asks to leave the unit off."""

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        """A unit is done, or left off, or could not be done."""


class WorkerDied(Exception):  # noqa: N818 - an event as much as an error
    """A worker is gone; `how`, and the last it wrote."""

    def __init__(self, how: str, log: str = "") -> None:
        super().__init__(how)
        self.how = how
        self.log = log


_Message = tuple[str, dict[str, object]] | UnitOutcome | Exception


class WorkerHandle(ABC):
    """One worker as the driver holds it; but for `stop` and `close`, one thread speaks to it."""

    name: str

    @abstractmethod
    def ready(self) -> UnitOutcome:
        """Wait until it can be given a unit; raises `WorkerDied`."""

    @abstractmethod
    def work(self, unit: Unit, tell: Callable[[str, dict[str, object]], None]) -> UnitOutcome:
        """Have a unit done and say how it ended; raises `WorkerDied`."""

    @abstractmethod
    def stop(self, unit: Unit) -> None:
        """Have it leave off a unit, at the end of an epoch."""

    @abstractmethod
    def close(self) -> None:
        """End it, whatever it does."""


class Backend(Protocol):
    """Where workers are hired."""

    def capacity(self) -> int:
        """How many workers there is room for now."""

    def start(self) -> WorkerHandle:
        """One more; it need not be ready yet."""

    def close(self) -> None:
        """Leave nothing behind, when all that were hired are closed."""


class Executor(AbstractContextManager["Executor"]):
    """Workers for as long as the block lasts."""

    @abstractmethod
    def do(self, work: Work) -> None:
        """Do all of it.

        Raises
        ------
        BakeoffError
            The workers of a unit died too often, or none came to be ready.
        """


class InlineExecutor(Executor):
    """One worker in this process: nothing is shipped, and nothing is started."""

    def __init__(self, data: TrainingData, folder: RunFolder) -> None:
        self.data = data
        self.folder = folder

    def __exit__(self, *_: object) -> None:
        pass

    def do(self, work: Work) -> None:
        unit: Unit | None = None

        def tell(kind: str, /, **details: object) -> None:
            assert unit is not None
            if work.heard(unit, kind, details) and kind == "epoch":
                raise Stopped

        worker = Worker(self.data, self.folder, tell)
        while unit := work.next(unit.approach if unit else None):
            try:
                worker.do(unit)
            except Stopped:
                work.ended(unit, None, stopped=True)
            except BakeoffError as error:
                work.ended(unit, error, stopped=False)
            else:
                work.ended(unit, None, stopped=False)
        worker.clear()


class PoolExecutor(Executor):
    """Several workers, each heard by a thread of its own; all decisions fall in the caller's.

    Parameters
    ----------
    backend : where they are hired.
    on_death : called when a worker died, with its unit if it had one, how it died, and its log.
    """

    def __init__(self, backend: Backend, on_death: Callable[[Unit | None, str, str], None]) -> None:
        self.backend = backend
        self.on_death = on_death
        self._workers: dict[WorkerHandle, Unit | None] = {}
        self._idle: list[WorkerHandle] = []
        self._last: dict[WorkerHandle, str] = {}
        self._inbox: queue.SimpleQueue[tuple[WorkerHandle, _Message]] = queue.SimpleQueue()
        self._deaths: Counter[str] = Counter()
        self._stillborn = 0  # workers that died before they were ready, since one was
        self._most = 1  # for whom there was room at once
        self._again: list[Unit] = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.close()
        self.backend.close()

    def do(self, work: Work) -> None:
        while True:
            wanted = work.left() + len(self._again)
            self._staff(wanted)
            while self._idle and (unit := self._next(work, self._idle[-1])):
                self._give(self._idle.pop(), unit)
            if not any(self._workers.values()) and (self._idle or not wanted):
                return
            worker, message = self._heard()
            unit = self._workers.get(worker)
            if isinstance(message, WorkerDied):
                self._bury(worker, unit, message)
            elif isinstance(message, Exception):
                raise message
            elif unit is None:  # it is ready for its first
                self._stillborn = 0
                self._idle.append(worker)
            elif isinstance(message, tuple):
                if work.heard(unit, *message):
                    worker.stop(unit)
            else:
                self._workers[worker] = None
                self._idle.append(worker)
                _end(work, unit, message)

    def _staff(self, wanted: int) -> None:
        """Hire while there is room, and work for one more."""
        capacity = self.backend.capacity()
        self._most = max(self._most, capacity)
        while len(self._workers) < min(capacity, wanted + sum(map(bool, self._workers.values()))):
            worker = self.backend.start()
            self._workers[worker] = None
            self._listen(worker, worker.ready)

    def _heard(self) -> tuple[WorkerHandle, _Message]:
        """What comes next. Whoever works is heard of, be it of its end; who starts may never be."""
        try:
            return self._inbox.get(timeout=None if any(self._workers.values()) else PATIENCE)
        except queue.Empty:
            raise BakeoffError(
                "workers",
                f"none was ready within {PATIENCE:.0f} s",
                "See that the machine, or one node of the cluster, has the cores free that a "
                "worker asks for (--threads). What is finished stays: --resume goes on",
            ) from None

    def _next(self, work: Work, worker: WorkerHandle) -> Unit | None:
        return self._again.pop() if self._again else work.next(self._last.get(worker))

    def _give(self, worker: WorkerHandle, unit: Unit) -> None:
        self._workers[worker] = unit
        self._last[worker] = unit.approach
        tell = lambda kind, details: self._inbox.put((worker, (kind, details)))
        self._listen(worker, lambda: worker.work(unit, tell))

    def _listen(self, worker: WorkerHandle, wait: Callable[[], _Message]) -> None:
        def listen() -> None:
            try:
                self._inbox.put((worker, wait()))
            except Exception as error:  # to be met where all is decided
                self._inbox.put((worker, error))

        threading.Thread(target=listen, daemon=True).start()

    def _bury(self, worker: WorkerHandle, unit: Unit | None, death: WorkerDied) -> None:
        """Note a death; the unit is begun again unless that happened too often.

        Those that never were ready count as often as there is room for one: a node that dies
        while it starts takes many at once.
        """
        worker.close()
        del self._workers[worker]
        if worker in self._idle:
            self._idle.remove(worker)
        self.on_death(unit, death.how, death.log)
        if unit:
            subject, most = f"{unit.approach} on {unit.name}", TRIES
            self._deaths[subject] += 1
            times = self._deaths[subject]
            self._again.append(unit)
        else:
            subject, most = "a worker that was to start", TRIES * self._most
            self._stillborn += 1
            times = self._stillborn
        if times >= most:
            raise BakeoffError(
                subject,
                f"{times} times its worker died ({death.how}); the last it said was: "
                f"{_last_line(death.log)}",
                "The whole log is in the run's folder under workers. Fewer workers leave each more "
                "memory, as --workers local:1 does; what is finished stays",
            )


def _end(work: Work, unit: Unit, ending: UnitOutcome) -> None:
    kind = ending["ended"]
    error = None
    if kind == "refused":
        error = BakeoffError(*ending["error"])
    elif kind == "failed":
        raise RuntimeError(f"{unit.approach} on {unit.name} failed in its worker:\n{ending['log']}")
    work.ended(unit, error, stopped=kind == "stopped")


def _last_line(log: str) -> str:
    lines = log.strip().splitlines()
    return lines[-1] if lines else "nothing"


def executor_for(workers: Workers, data: TrainingData, folder: RunFolder, tell: Tell) -> Executor:
    """The crew for some material; units go to `folder`, as do the logs of workers that die.

    Parameters
    ----------
    workers : settled ones.
    tell : called when a worker dies.
    """

    def on_death(unit: Unit | None, how: str, log: str) -> None:
        folder.save_worker_log(log)
        named = {"approach": unit.approach, "fold": unit.name} if unit else {}
        tell("worker died", how=how, **named)

    if workers.kind == "ray":
        from bakeoff.workers.cluster import Cluster

        return PoolExecutor(Cluster(workers.address, data, folder), on_death)
    assert workers.count is not None, "settle how many first"
    if workers.count == 1:
        return InlineExecutor(data, folder)
    from bakeoff.workers.processes import Processes

    return PoolExecutor(Processes(workers.count, data, folder), on_death)
