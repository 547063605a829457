"""One process at a time works on a run; two files show which.

The operating system releases the lock however its holder ends, even by kill or power cut. It
therefore separates a run in progress from an interrupted one. The other file names the process, so
that it can be told to stop, and already names one that is only just starting.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil
from filelock import FileLock, Timeout

from bakeoff.errors import BakeoffError
from bakeoff.record.whole import read_file

__all__ = ["LOCK", "PID", "RunLock", "holder", "name_holder"]

LOCK, PID = ".lock", ".pid"
PATIENCE = 1.0  # seconds: whoever only looks holds the lock for an instant
NEAR = 2.0  # seconds by which two clocks of one machine may differ


class RunLock:
    """Held by the process that works on a run, as a ``with`` block; it is reentrant.

    Its files are removed when it is released; files that a killed process leaves behind block
    nobody.

    Parameters
    ----------
    path : the run's folder, which must exist when the lock is entered.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # One thread may take it and another let it go.
        self._lock = FileLock(path / LOCK, timeout=PATIENCE, thread_local=False)

    def __enter__(self) -> RunLock:
        """Take the lock.

        Raises
        ------
        BakeoffError
            Another process has it.
        """
        try:
            self._lock.acquire()
        except Timeout:
            pid = _named(self.path)
            known = f" (process {pid})" if pid else ""
            raise BakeoffError(
                str(self.path),
                f"another process works on this run{known}",
                "Wait until it is done, or stop it",
            ) from None
        # Beside the lock, since Windows lets nobody read a file that is locked.
        name_holder(self.path, os.getpid())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock.lock_counter == 1:
            for name in (PID, LOCK):  # the lock last, and before it is let go of
                with suppress(OSError):  # Windows keeps a file that is open
                    (self.path / name).unlink()
        self._lock.release()


def name_holder(path: Path, pid: int) -> None:
    """Say that a process works on the run at `path`, or is about to.

    Its number is not enough: the system gives it to another process when this one has ended. So
    the time at which it started is written too.
    """
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid).create_time()
        (path / PID).write_text(f"{pid} {started}", encoding="ascii")


def holder(path: Path) -> int | None:
    """The process that works on the run at `path`: its id, 0 if it is not known, None for none."""
    return _named(path) or (0 if _is_locked(path / LOCK) else None)


def _named(path: Path) -> int | None:
    """The living process that the file beside the lock names."""
    with suppress(OSError, ValueError, psutil.Error):
        pid, started = read_file(path / PID).decode("ascii").split()
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(started)) < NEAR
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return int(pid)
    return None


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock. Looking does not take it, so that two may look at once."""
    if path.is_symlink() or not path.is_file():
        return False
    if sys.platform == "win32":
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False
    import fcntl

    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # closing the file ends it
    except BlockingIOError:
        return True
    except OSError:  # a folder that is only to be read, in which nobody can work
        return False
    return False
