"""Executors: one worker in this process, or several that are heard from as they work.

A unit whose worker dies is given to another one.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from pydantic import BaseModel

from bakeoff.approaches.approach import Approach
from bakeoff.errors import BakeoffError
from bakeoff.machine import cores
from bakeoff.record.events import EpochEnded, Event
from bakeoff.record.events import WorkerDied as WorkerDiedEvent
from bakeoff.record.folder import RunFolder
from bakeoff.said import say
from bakeoff.workers.crew import Backend, Executor, WorkerDied, WorkerHandle, Workers
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Stopped, Tell, Unit
from bakeoff.workers.work import Work
from bakeoff.workers.worker import UnitOutcome, Worker

__all__ = ["InlineExecutor", "PoolExecutor", "executor_for", "executor_here"]

TRIES = 3  # times a unit is begun whose workers die
PATIENCE = 300.0  # seconds that nobody may be ready; a cluster may have to start machines first

_Message = Event | UnitOutcome | Exception


class InlineExecutor(Executor):
    """One worker in this process: nothing is shipped, and nothing is started."""

    def __init__(self, data: TrainingData, folder: RunFolder) -> None:
        self.data = data
        self.folder = folder

    def __exit__(self, *_: object) -> None:
        pass

    def do(self, work: Work) -> None:
        unit: Unit | None = None

        def tell(event: Event) -> None:
            assert unit is not None
            if work.heard(unit, event) and isinstance(event, EpochEnded):
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
            elif isinstance(message, BaseModel):
                if work.heard(unit, message):
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
        """The next message. A busy worker always reports, even when it dies; a new one may not."""
        try:
            return self._inbox.get(timeout=None if any(self._workers.values()) else PATIENCE)
        except queue.Empty:
            raise BakeoffError(
                "workers",
                say("failed.noWorker", seconds=round(PATIENCE)),
                say("failed.freeCores"),
            ) from None

    def _next(self, work: Work, worker: WorkerHandle) -> Unit | None:
        return self._again.pop() if self._again else work.next(self._last.get(worker))

    def _give(self, worker: WorkerHandle, unit: Unit) -> None:
        self._workers[worker] = unit
        self._last[worker] = unit.approach
        tell = lambda event: self._inbox.put((worker, event))
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
            subject, most = unit.label, TRIES
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
                say("failed.workerDied", n=times, how=death.how, line=_last_line(death.log)),
                say("failed.fewerWorkers"),
            )


def _end(work: Work, unit: Unit, ending: UnitOutcome) -> None:
    kind = ending["ended"]
    error = None
    if kind == "refused":
        error = BakeoffError(*ending["error"])
    elif kind == "failed":
        raise RuntimeError(f"{unit.label} failed in its worker:\n{ending['log']}")
    work.ended(unit, error, stopped=kind == "stopped")


def _last_line(log: str) -> str:
    lines = log.strip().splitlines()
    return lines[-1] if lines else "nothing"


def executor_here(approach: Approach, data: TrainingData, folder: RunFolder) -> Executor:
    """The quickest executor for one approach without another process."""
    compute = data.compute
    count = cores() // compute.threads
    if not approach.solved or compute.device != "cpu" or count < 2:
        return InlineExecutor(data, folder)
    from bakeoff.workers.threads import Threads

    return PoolExecutor(Threads(count, data, folder), lambda *_: None)


def executor_for(workers: Workers, data: TrainingData, folder: RunFolder, tell: Tell) -> Executor:
    """The executor for some data; units go to `folder`, as do the logs of workers that die.

    Parameters
    ----------
    workers : as `Workers.settled` left them.
    tell : called when a worker dies.
    """

    def on_death(unit: Unit | None, how: str, log: str) -> None:
        folder.save_worker_log(log)
        approach, name = (unit.approach, unit.name) if unit else (None, None)
        tell(WorkerDiedEvent(how=how, approach=approach, fold=name))

    if workers.kind == "ray":
        from bakeoff.workers.cluster import Cluster

        return PoolExecutor(Cluster(workers.address, data, folder), on_death)
    assert workers.count is not None, "settle how many first"
    if workers.count == 1:
        return InlineExecutor(data, folder)
    from bakeoff.workers.processes import Processes

    return PoolExecutor(Processes(workers.count, data, folder), on_death)
