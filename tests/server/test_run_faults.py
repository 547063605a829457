"""What odd files and bad luck do to the runs and trainings of a server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bakeoff.record.events import Event, RunFailed, RunFinished
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.lock import PID, RunLock, holder, name_holder
from bakeoff.server import jobs
from bakeoff.server.home import Home, delete_folder
from bakeoff.server.jobs import Jobs, Status, status_of

from ..made_up_events import run_started
from .conftest import serving
from .test_faults import wait
from .test_predict import DRAWINGS, png
from .test_security import refused
from .test_train import QUICK, strokes_config

# -- runs --------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_each_run_is_judged_alone(finished: RunFolder, tmp_path: Path) -> None:
    home = Home(tmp_path, open=True)
    good = RunFolder(Path(shutil.copytree(finished.path, home.runs / "good")))
    for name, file, text in [
        ("list", "run.json", "[]"),
        ("newer", "run.json", json.dumps({"schema_version": 9})),
        ("number", "run.json", "1e999"),
        ("bytes", "run.json", "\0"),
        ("bare", LOG, ""),
    ]:
        (home.runs / name).mkdir()
        (home.runs / name / file).write_text(text)
    for name, file in [("pipe", "events.jsonl"), ("pipes", LOG)]:
        shutil.copytree(good.path, home.runs / name)
        (home.runs / name / "results.json").unlink()
        (home.runs / name / file).unlink(missing_ok=True)
        os.mkfifo(home.runs / name / file)
    (home.runs / "pipe" / "pictures" / "0000.webp").unlink()
    os.mkfifo(home.runs / "pipe" / "pictures" / "0000.webp")
    (home.runs / "odd").mkdir()
    (home.runs / "odd" / "run.json").symlink_to(home.runs / "odd" / "run.json")
    with serving(None, home=home) as client:
        found = {one["name"]: one for one in client.get("/api/runs", timeout=20).json()}
        assert found["good"]["status"] == "finished"
        assert found["good"]["accuracy"]
        odd = {name for name, one in found.items() if one["status"] != "finished"}
        assert odd >= {"list", "newer", "number", "bytes", "bare", "pipe", "pipes"}
        for name in found:
            for path in ("", "/view", "/log", "/sheets/0"):
                answer = client.get(f"/api/runs/{name}{path}", timeout=20)
                assert answer.status_code in (200, 404, 409), (name, path)


def test_of_a_linked_run_only_the_link_is_deleted(finished: RunFolder, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(finished.path, tmp_path / "elsewhere"))
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / "linked"
    link.symlink_to(elsewhere)
    delete_folder(link)
    assert list((tmp_path / "runs").iterdir()) == []
    assert (elsewhere / "results.json").is_file()


# -- trainings -----------------------------------------------------------------------------


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    """Another process that lives until the block ends."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_run_whose_process_is_only_starting_is_running(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with sleeping() as process:
        name_holder(tmp_path, process.pid)
        assert holder(tmp_path) == process.pid
        assert status_of(run) == "running"
        assert Jobs().status(run) == "running"  # for a server that has started since, too
    assert status_of(run) == "failed"


def test_a_process_that_has_the_same_number_later_is_another(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", strokes_config())
    with sleeping() as process:
        started = psutil.Process(process.pid).create_time()
        for text in (f"{process.pid} {started - 100}", str(process.pid), "x y", "-1 0", "1 2 3"):
            (run.path / PID).write_text(text)
            assert holder(run.path) is None
            Jobs()._send(run, signal.SIGKILL)
        assert process.poll() is None


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions share nothing")
def test_a_training_gives_way_though_it_has_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    Jobs().start(tmp_path / "run", None)
    child = psutil.Process(os.getpid()).children()[-1]
    share = Path(f"/proc/{child.pid}/autogroup").read_text()
    child.kill()
    child.wait()
    assert share.split()[-2:] == ["nice", str(jobs.NICENESS)]


@pytest.mark.parametrize("then", ["looked at", "deleted"])
def test_no_process_of_a_training_is_left_as_a_zombie(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", "pass"))
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))
    server = Jobs()
    server.start(run.path, None)
    child = psutil.Process(os.getpid()).children()[-1]
    assert child.nice() >= jobs.NICENESS  # answers come first
    wait(lambda: child.status() == psutil.STATUS_ZOMBIE)
    if then == "looked at":
        assert server.status(run) == "finished"
    else:
        shutil.rmtree(run.path)
        server.start(tmp_path / "another", None)
    assert not psutil.pid_exists(child.pid)


def test_looking_at_a_lock_from_many_sides_does_not_take_it(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        pass
    (tmp_path / ".lock").touch()
    found: list[int | None] = []

    def look() -> None:
        found.extend(holder(tmp_path) for _ in range(300))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        with RunLock(tmp_path):  # those who look keep nobody from working
            pass
    for thread in threads:
        thread.join()
    assert set(found) <= {None, os.getpid(), 0}
    assert holder(tmp_path) is None


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("results", [False, True])
@pytest.mark.parametrize("last", [None, "started", "failed", "finished"])
@pytest.mark.parametrize("held", [None, "named", "locked"])
def test_the_states_of_a_run(
    tmp_path: Path, begun: bool, results: bool, last: str | None, held: str | None
) -> None:
    run = RunFolder(tmp_path)
    if begun:
        RunFolder.create(tmp_path, strokes_config())
    events: dict[str | None, Event | None] = {
        None: None,
        "started": run_started(),
        "failed": RunFailed(why="broken"),
        "finished": RunFinished(winner=None, why="too close to call"),
    }
    if (event := events[last]) is not None:
        run.log(event)
    if results:
        (tmp_path / "results.json").write_text("{}")
    expected: Status
    if held:
        expected = "running"
    elif not begun or last == "failed":
        expected = "failed"
    elif results and last in (None, "finished"):
        expected = "finished"
    else:
        expected = "stopped"
    if held == "locked":
        with RunLock(tmp_path):
            (tmp_path / PID).unlink()
            assert status_of(run) == expected
        return
    if held == "named":
        name_holder(tmp_path, os.getpid())
    assert status_of(run) == expected


def test_a_set_that_a_run_reads_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, open=True)
    for number in range(4):
        for label in ("a", "b"):
            path = home.sets / "tiny" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(DRAWINGS[number]))
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    with serving(None, home=home) as client:
        assert client.post("/api/training", json=QUICK | {"name": "one"}).status_code == 201
        refused(client.delete("/api/sets/tiny"), 409, "The run one trains on tiny")
        refused(client.delete("/api/runs/one"), 409, "Cancel it first")
        refused(client.post("/api/training", json=QUICK | {"name": "two"}), 409, "in progress")
        assert client.post("/api/runs/one/cancel", timeout=30).status_code == 200
        assert client.delete("/api/sets/tiny").status_code == 204


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_may_be_in_any_case(finished: RunFolder, scheme: str) -> None:
    with serving(finished, hosts=None, token="secret") as client:
        headers = {"authorization": f"{scheme} secret"}
        assert client.get("/api/models", headers=headers).status_code == 200
        for wrong in ("secret", "Basic secret", f"{scheme}secret", f"{scheme} Secret", scheme):
            assert client.get("/api/models", headers={"authorization": wrong}).status_code == 401
