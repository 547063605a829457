"""One worker: does units one after another, in this process or as a process of its own.

``python -m bakeoff.workers.worker DATA RUN`` reads units from its input, a line of JSON each,
and writes all that happens to its output in the same way. Its input ends when nobody wants it any
more, however whoever started it ended.
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
from typing import Any

from bakeoff.approaches.settings import configure
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.graphs import trace
from bakeoff.run.robustness import answer_corrupted
from bakeoff.training.compute import give_memory_back, keep_freed_memory
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Stopped, Tell, Unit, UnitRunner

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

    def do(self, unit: Unit) -> None:
        """Do a unit and keep what came of it.

        Raises
        ------
        BakeoffError
            A setting does not fit, or training came to nothing.
        Stopped
            It was left off.
        """
        if self.folder.has_unit(unit.approach, unit.name):
            return  # whoever did it died before it could say so
        runner = self._bench(unit)
        if unit.kind == "changed":
            answer_corrupted(runner, unit)
        elif unit.kind == "graph":
            trace(runner, unit)
        else:
            runner.train(unit)

    def clear(self) -> None:
        """Forget what was prepared."""
        self._last = None
        give_memory_back()

    def _bench(self, unit: Unit) -> UnitRunner:
        config = self.data.config
        approach = configure(unit.approach, {**config.settings_of(unit.approach), **unit.settings})
        last = self._last
        if last is not None and last.approach == approach:
            return last
        runner = UnitRunner(approach, self.data, self.folder, self.tell)
        if last is not None and last.approach.input_key() == approach.input_key():
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
    except Exception as error:  # whatever it is, the run is told of it
        traceback.print_exc()
        why = str(error) or type(error).__name__
        return {"ended": "failed", "why": why, "log": traceback.format_exc()}
    return {"ended": "done"}


def main(data: str, run: str) -> None:
    """Work as a process of its own, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it is told, and ends it
    # What libraries print goes to the log, and leaves the lines of JSON alone.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    units: queue.SimpleQueue[Unit] = queue.SimpleQueue()
    unwanted: set[tuple[object, object]] = set()

    def listen() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "stop" in message:
                unwanted.add(tuple(message["stop"]))
            else:
                units.put(Unit(**message["unit"]))
        os._exit(0)  # in the middle of whatever it does: nobody wants it

    def say(message: Mapping[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    def tell(kind: str, /, **details: object) -> None:
        say({"event": kind, "details": details})
        if kind == "epoch" and (details["approach"], details["fold"]) in unwanted:
            raise Stopped

    keep_freed_memory()
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
