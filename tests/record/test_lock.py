"""Who works on a run: told by a lock that dies with its holder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.lock import LOCK, PID, RunLock, holder

HOLD = (
    "import sys, pathlib; from bakeoff.record.lock import RunLock\n"
    "with RunLock(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def hold(path: Path) -> subprocess.Popen[str]:
    """Another process that works on a run until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_at_a_time_and_a_killed_one_holds_nobody_up(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with hold(tmp_path) as other:
        assert holder(tmp_path) == other.pid
        with pytest.raises(BakeoffError, match=rf"another process.*\(process {other.pid}\)"):
            RunLock(tmp_path).__enter__()
        other.kill()
    assert (tmp_path / LOCK).exists()
    assert holder(tmp_path) is None
    with RunLock(tmp_path):
        assert holder(tmp_path) == os.getpid()


def test_it_can_be_entered_twice_and_leaves_nothing(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with lock:
        with lock:
            pass
        assert holder(tmp_path) == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_holder_may_be_unknown(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        (tmp_path / PID).write_text("no number")
        assert holder(tmp_path) == 0
        with pytest.raises(BakeoffError, match="another process works on this run"):
            RunLock(tmp_path).__enter__()


def test_a_folder_that_cannot_be_locked_has_no_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("")
    assert holder(tmp_path) is None
