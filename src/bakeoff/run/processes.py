"""Workers as processes of this machine: they share the pixels and write into the run's folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bakeoff.record.folder import RunFolder
from bakeoff.run.material import Material
from bakeoff.run.units import Unit
from bakeoff.run.worker import Ending
from bakeoff.run.workers import Died, Hand

__all__ = ["Processes"]


class Processes:
    """Room for so many; the material is written once, to the temporary folder."""

    def __init__(self, count: int, material: Material, folder: RunFolder) -> None:
        self.count = count
        self.folder = folder
        self.threads = material.compute.threads
        self.shipped = Path(tempfile.mkdtemp(prefix="bakeoff-"))
        material.to_ship().save(self.shipped)
        self._hired = 0

    def places(self) -> int:
        return self.count

    def hire(self) -> Hand:
        self._hired += 1
        return _Process(self._hired, self)

    def close(self) -> None:
        shutil.rmtree(self.shipped, ignore_errors=True)


class _Process(Hand):
    """Lines of JSON each way; its log goes with it unless it dies."""

    def __init__(self, number: int, room: Processes) -> None:
        self.name = f"process {number}"
        self._log = room.shipped / f"{number}.log"
        self._hearing = threading.Lock()
        # A Python of its own rather than a fork: torch's threads do not survive one. And not by
        # way of multiprocessing, which would run the caller's program again.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "bakeoff.run.worker", room.shipped, room.folder.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": str(room.threads)},
                text=True,
                encoding="utf-8",
            )

    def ready(self) -> Ending:
        return self._hear(lambda *_: None)

    def work(self, unit: Unit, tell: Callable[[str, dict[str, object]], None]) -> Ending:
        self._say({"unit": asdict(unit)})
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

    def _hear(self, tell: Callable[[str, dict[str, object]], None]) -> Ending:
        assert self._process.stdout is not None
        with self._hearing:
            for line in self._process.stdout:
                if not line.endswith("\n"):
                    break  # it died in the middle of it
                message = json.loads(line)
                if "ended" in message:
                    return dict(message)
                tell(message["event"], message["details"])
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise Died(how, self._log.read_text(encoding="utf-8", errors="replace"))
