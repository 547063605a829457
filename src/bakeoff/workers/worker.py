"""One worker: does units one after another, in this process or as a process of its own.

``python -m bakeoff.workers.worker DATA RUN`` reads units from its input, a line of JSON each, and
writes all that happens to its output in the same way. Its input ends when nobody needs it any
more, however the process that started it ended.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import BakeoffError
from bakeoff.heap import bound_kept_memory
from bakeoff.record.events import EpochEnded, Event
from bakeoff.record.folder import RunFolder
from bakeoff.training.compute import give_memory_back, ready_process
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Stopped, Tell, Unit, unit_from_json

if TYPE_CHECKING:
    from bakeoff.training.eye import Sights
    from bakeoff.workers.runner import UnitRunner

__all__ = ["UnitOutcome", "Worker", "outcome_of"]

UnitOutcome = dict[str, Any]


class Worker:
    """Does any unit; what it prepared for the last one serves the next where it can.

    Parameters
    ----------
    data : what to train on.
    folder : where finished units go.
    tell : called with all that happens.
    """

    def __init__(self, data: TrainingData, folder: RunFolder, tell: Tell) -> None:
        self.data = data
        self.folder = folder
        self.tell = tell
        self._last: UnitRunner | None = None
        self._sights: dict[int, Sights] = {}

    def do(self, unit: Unit) -> None:
        """Do a unit and keep what comes of it; see `Unit.do`."""
        if all(self.folder.has_unit(*kept) for kept in unit.keeps):
            return  # the worker that did it died before it could say so
        try:
            unit.do(self)
        finally:
            bound_kept_memory()

    def clear(self) -> None:
        """Forget what was prepared."""
        if self._last is None:
            return  # collecting garbage takes 0.2 s with torch loaded, and there is none
        self._last = None
        give_memory_back()

    def runner(self, approach: str, settings: Mapping[str, object]) -> UnitRunner:
        """One for an approach, with some settings changed; prepared inputs are shared."""
        from bakeoff.workers.runner import UnitRunner

        configured, task = self.data.config.approach(approach).build(settings), self.data.task
        last = self._last
        if last is not None and last.approach == configured:
            return last
        runner = UnitRunner(configured, self.data, self.folder, self.tell, self._sights)
        if last is not None and last.approach.input_key(task) == configured.input_key(task):
            runner.trainer.share(last.trainer)
        else:
            last = None
            self.clear()
        self._last = runner
        return runner


def outcome_of(worker: Worker, unit: Unit) -> UnitOutcome:
    """Do a unit and say in plain values how it ended.

    "done", "stopped", "refused" with the three parts of a `BakeoffError`, or "failed" with a
    traceback.
    """
    try:
        worker.do(unit)
    except Stopped:
        return {"ended": "stopped"}
    except BakeoffError as error:
        return {"ended": "refused", "error": [error.subject, error.problem, error.hint]}
    except Exception as error:  # whatever it is, the run reports it
        traceback.print_exc()
        why = str(error) or type(error).__name__
        return {"ended": "failed", "why": why, "log": traceback.format_exc()}
    return {"ended": "done"}


def main(data: str, run: str) -> None:
    """Work as a process of its own, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    # What libraries print goes to the log, and leaves the lines of JSON alone.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    units: queue.SimpleQueue[Unit] = queue.SimpleQueue()
    unwanted: set[tuple[str, str]] = set()

    def listen() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "stop" in message:
                unwanted.add(tuple(message["stop"]))
            else:
                units.put(unit_from_json(message["unit"]))
        os._exit(0)  # in the middle of whatever it does: nobody wants it

    def say(message: Mapping[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    def tell(event: Event) -> None:
        say({"event": event.model_dump(mode="json")})
        if isinstance(event, EpochEnded) and (event.approach, event.fold) in unwanted:
            raise Stopped

    ready_process()
    shipped = TrainingData.load(Path(data))
    shipped.compute.apply()
    worker = Worker(shipped, RunFolder(Path(run)), tell)
    threading.Thread(target=listen, daemon=True).start()
    say({"ended": "ready"})
    while True:
        unit = units.get()
        say(outcome_of(worker, unit))


if __name__ == "__main__":
    main(*sys.argv[1:])
