"""Workers as threads of this process: at work at once, where starting a process takes seconds."""

from __future__ import annotations

import threading

from bakeoff.record.events import Event
from bakeoff.record.folder import RunFolder
from bakeoff.workers.crew import WorkerHandle
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Tell, Unit
from bakeoff.workers.worker import UnitOutcome, Worker, outcome_of

__all__ = ["Threads"]


class Threads:
    """Room for `count` workers, which share what one of them prepared.

    torch gives up Python's lock while it computes. The random numbers of a process are not to be
    shared, so this is for fits that draw none; see `Approach.solved`.
    """

    def __init__(self, count: int, data: TrainingData, folder: RunFolder) -> None:
        self.count = count
        self.preparing = threading.Lock()
        self.worker = Worker(data, folder, self._tell)
        self._here = threading.local()  # each thread tells of its own unit
        self._busy: list[threading.Lock] = []

    def capacity(self) -> int:
        return self.count

    def start(self) -> WorkerHandle:
        self._busy.append(threading.Lock())
        return _Thread(f"thread {len(self._busy)}", self, self._busy[-1])

    def close(self) -> None:
        """Wait until nothing is at work: a second or two, as no thread can be ended."""
        for busy in self._busy:
            busy.acquire()
        self.worker.clear()

    def do(self, unit: Unit, tell: Tell) -> UnitOutcome:
        """Do a unit in the calling thread."""
        self._here.tell = tell
        with self.preparing:
            unit.prepare(self.worker)
        return outcome_of(self.worker, unit)

    def _tell(self, event: Event) -> None:
        self._here.tell(event)


class _Thread(WorkerHandle):
    """A worker whose units are done by the thread that waits for them."""

    def __init__(self, name: str, threads: Threads, busy: threading.Lock) -> None:
        self.name = name
        self._threads = threads
        self._busy = busy

    def ready(self) -> UnitOutcome:
        return {"ended": "ready"}

    def work(self, unit: Unit, tell: Tell) -> UnitOutcome:
        with self._busy:
            return self._threads.do(unit, tell)

    def stop(self, unit: Unit) -> None:
        """A fit that is solved has one epoch."""

    def close(self) -> None:
        """It ends with its unit; see `Threads.close`."""
