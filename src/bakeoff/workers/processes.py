"""Workers as processes of this machine: they share the pixels and write into the run's folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from bakeoff.record.events import parse_event
from bakeoff.record.folder import RunFolder
from bakeoff.workers.crew import WorkerDied, WorkerHandle
from bakeoff.workers.data import TrainingData
from bakeoff.workers.units import Tell, Unit
from bakeoff.workers.worker import UnitOutcome

__all__ = ["Processes"]


class Processes:
    """Room for `count` workers; the data is written once, to the temporary folder."""

    def __init__(self, count: int, data: TrainingData, folder: RunFolder) -> None:
        self.count = count
        self.folder = folder
        self.threads = data.compute.threads
        # It goes at the end of the program too, if that is interrupted before anyone closes this.
        # A TemporaryDirectory would stay if a signal came after it is made, before it says so.
        self.shipped = Path(gettempdir()) / f"bakeoff-{secrets.token_hex(8)}"
        self._remove = weakref.finalize(self, shutil.rmtree, self.shipped, ignore_errors=True)
        self.shipped.mkdir(mode=0o700)
        data.to_ship().save(self.shipped)
        self._started = 0

    def capacity(self) -> int:
        return self.count

    def start(self) -> WorkerHandle:
        self._started += 1
        return _Process(self._started, self)

    def close(self) -> None:
        self._remove()


class _Process(WorkerHandle):
    """Lines of JSON each way; its log goes with it unless it dies."""

    def __init__(self, number: int, backend: Processes) -> None:
        self.name = f"process {number}"
        self._log = backend.shipped / f"{number}.log"
        self._hearing = threading.Lock()
        # A Python of its own rather than a fork: torch's threads do not survive one. And not by
        # way of multiprocessing, which would run the caller's program again.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [
                    sys.executable,
                    "-m",
                    "bakeoff.workers.worker",
                    backend.shipped,
                    backend.folder.path,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": str(backend.threads)},
                text=True,
                encoding="utf-8",
            )

    def ready(self) -> UnitOutcome:
        return self._hear(lambda _: None)

    def work(self, unit: Unit, tell: Tell) -> UnitOutcome:
        self._say({"unit": unit.to_json()})
        return self._hear(tell)

    def stop(self, unit: Unit) -> None:
        self._say({"stop": [unit.approach, unit.name]})

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):  # what it was still to be told
            self._process.stdin.close()
        assert self._process.stdout is not None
        with self._hearing:  # whoever listens hears the end of it
            self._process.stdout.close()

    def _say(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it is gone, as whoever listens to it will hear
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _hear(self, tell: Tell) -> UnitOutcome:
        assert self._process.stdout is not None
        with self._hearing:
            for line in self._process.stdout:
                if not line.endswith("\n"):
                    break  # it died in the middle of it
                message = json.loads(line)
                if "ended" in message:
                    return dict(message)
                tell(parse_event(message["event"]))
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise WorkerDied(how, self._log.read_text(encoding="utf-8", errors="replace"))
