"""Training runs, each in a process of its own that outlives the server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

import psutil

from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import RunFailed, RunFinished
from bakeoff.record.folder import EVENTS, LOG, RunFolder
from bakeoff.record.lock import holder, name_holder
from bakeoff.record.whole import read_file

__all__ = ["Jobs", "Status", "log_lines", "status_of"]

Status = Literal["running", "finished", "stopped", "failed"]

PATIENCE = 15.0  # seconds that a run gets to stop by itself
NICENESS = 5  # of a training; where both want one core, the server gets three quarters of it
AGAIN = 3.0  # seconds until it is told to stop once more
LOOK_EVERY = 0.1
LOG_TAIL = 100_000  # bytes
SEARCH = "tune.json"  # in the folder of a search, once it has begun
COMMAND = (sys.executable, "-P", "-m", "bakeoff")  # -P: no module from the working folder
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Child(subprocess.Popen[bytes]):
    """A process that is meant to outlive this one: to leave it behind is no mistake to warn of."""

    def __del__(self) -> None:
        pass


class Jobs:
    """The processes that this server started; those of a server before it are found by lock."""

    def __init__(self) -> None:
        self._processes: dict[Path, _Child] = {}
        self._sources: dict[Path, str] = {}
        self._told: dict[Path, int] = {}  # bytes of events when its process was started
        self.estimating = asyncio.Lock()  # one at a time: two would measure each other

    def start(self, path: Path, config: RunConfig | None, workers: str = "auto") -> None:
        """Run ``bakeoff run`` on a run's folder, which is made, with its output in the log.

        Parameters
        ----------
        config : what is asked of a new run, which the process reads from its standard input; None
            to resume the run that is there.
        workers : which train; see `bakeoff.bake`.
        """
        if config is not None:
            self._sources[path] = config.source
        arguments = ["--resume"] if config is None else ["--config", "-", "--out"]
        given = b"" if config is None else config.model_dump_json().encode()
        self.begin(path, ["run", *arguments, str(path)], given, workers)

    def begin(
        self, path: Path, arguments: Sequence[str], given: bytes = b"", workers: str = "auto"
    ) -> None:
        """Run ``bakeoff ARGUMENTS``, which works in a folder: that of a run or of a study.

        Parameters
        ----------
        path : the folder, which is made; the output goes into its log.
        given : the standard input of the process.
        workers : which train; see `bakeoff.bake`.
        """
        self._let_go()
        path.mkdir(parents=True, exist_ok=True)
        self._told[path] = _size(path / EVENTS)
        with (path / LOG).open("ab") as log, TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            self._processes[path] = _Child(
                [*COMMAND, *arguments, "--no-open", "--workers", workers],
                stdin=file,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=plain_environment(),
                start_new_session=True,  # a Ctrl-C of the server is not meant for it
            )
        _let_others_pass(self._processes[path].pid)
        # Until it takes the lock, some seconds later, it is running all the same: for a server that
        # starts meanwhile too.
        name_holder(path, self._processes[path].pid)

    def status(self, run: RunFolder) -> Status:
        """How a run stands; see `status_of`. One that is only just starting is running too."""
        found = status_of(run)
        process = self._processes.get(run.path)
        if process is None:
            return found
        if process.poll() is None:
            # The process of a finished run may take a moment to end. One that adds a curve to a
            # finished run takes seconds to say its first word: the end that is told is the old one.
            ended = found == "finished" and _size(run.path / EVENTS) != self._told[run.path]
            return found if ended else "running"
        self._processes.pop(run.path, None)
        return status_of(run)

    def _let_go(self) -> None:
        """Let the system forget processes that ended, those of deleted runs too."""
        for path, process in list(self._processes.items()):
            if process.poll() is not None:
                self._processes.pop(path, None)

    def source(self, run: RunFolder) -> str | None:
        """What a run is trained on; None if it never began."""
        with suppress(BakeoffError):
            return self._sources.get(run.path) or run.config.source
        return None

    async def cancel(self, run: RunFolder) -> None:
        """Stop a run as Ctrl-C does, or by force after a while, and wait until it has stopped.

        Python ignores a KeyboardInterrupt that is raised in a callback of a weak reference, of
        which torch has many: so it is sent more than once.
        """
        forced, again = time.monotonic() + PATIENCE, 0.0
        while self.status(run) == "running":
            now = time.monotonic()
            if now > forced:
                self._send(run, getattr(signal, "SIGKILL", signal.SIGTERM))
            elif now > again:
                again = now + AGAIN
                self._send(run, signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            await asyncio.sleep(LOOK_EVERY)
        if not any((run.path / name).exists() for name in ("run.json", SEARCH)):
            with (run.path / LOG).open("a", encoding="utf-8") as log:
                log.write("\nStopped before anything was trained. Start it again.\n")

    def _send(self, run: RunFolder, what: signal.Signals) -> None:
        process = self._processes.get(run.path)
        with suppress(ProcessLookupError, PermissionError):  # it may have ended by now
            if process is not None:
                process.send_signal(what)
            elif pid := holder(run.path):
                os.kill(pid, what)


def _let_others_pass(pid: int) -> None:
    """Give a training less of a busy processor than the answers of this server get."""
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(max(NICENESS, process.nice()))
    # Where Linux shares the processor among sessions first, niceness counts within one only, and a
    # training has a session of its own (man 7 sched, "The autogroup feature").
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def status_of(run: RunFolder) -> Status:
    """How a run stands, from its files alone: "stopped" can be resumed, "failed" says why.

    A run that never began has nothing but its log, and failed.
    """
    if holder(run.path) is not None:
        return "running"
    if not (run.path / "run.json").is_file():
        return "failed"
    last = run.last_event()
    if (last is None or isinstance(last, RunFinished)) and (run.path / "results.json").is_file():
        return "finished"
    return "failed" if isinstance(last, RunFailed) else "stopped"


def log_lines(run: RunFolder, most: int) -> list[str] | None:
    """The last lines that the process of a run printed; None if nobody kept them."""
    try:
        path = run.path / LOG
        data = read_file(path, max(0, path.stat().st_size - LOG_TAIL))
    except OSError:
        return None
    text = ANSI.sub("", data.decode("utf-8", "replace"))
    return [line.rstrip() for line in text.splitlines()][-most:]


def plain_environment() -> dict[str, str]:
    """The environment of a child whose words go to a file: ours, without colours."""
    return {
        **os.environ,
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "120",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
