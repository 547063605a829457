"""One process at a time works on a run; a lock that ends with it shows this to all others.

The operating system releases the lock however its holder ends, even by kill or power cut. The
lock therefore separates a run in progress from an interrupted one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from bakeoff.errors import BakeoffError

__all__ = ["LOCK", "PID", "RunLock", "holder"]

LOCK, PID = ".lock", ".pid"
PATIENCE = 1.0  # seconds: whoever only looks holds the lock for an instant


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
        self._lock = FileLock(path / LOCK, timeout=PATIENCE)

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
            raise BakeoffError(
                str(self.path),
                f"another process works on this run{_known(_pid(self.path))}",
                "Wait until it is done, or stop it",
            ) from None
        # Beside the lock, since Windows lets nobody read a file that is locked.
        (self.path / PID).write_text(str(os.getpid()))
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


def holder(path: Path) -> int | None:
    """The process that works on the run at `path`: its id, 0 if it is not known, None for none."""
    if not (path / LOCK).is_file():
        return None
    lock = FileLock(path / LOCK, timeout=0)
    try:
        with lock:
            return None
    except Timeout:
        return _pid(path)
    except OSError:  # a folder that is only to be read, in which nobody can work
        return None


def _pid(path: Path) -> int:
    with suppress(OSError, ValueError):
        return int((path / PID).read_text())
    return 0


def _known(pid: int) -> str:
    return f" (process {pid})" if pid else ""
