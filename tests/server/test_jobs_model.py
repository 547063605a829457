"""The training jobs against a model of them: requests in any order, to two servers of one home.

The servers, the processes, their locks, signals and files are real; only what a process would
compute for minutes is replaced by waiting until the test lets it go on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bakeoff.record.events import RunFailed
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import holder
from bakeoff.server import jobs
from bakeoff.server.home import Home

from .conftest import serving

NAMES = ("one", "two", "three")
Status = Literal["running", "finished", "stopped", "failed"]

# Takes the lock, says so, and does what it finds in the file `do`: begin, finish, or fail.
TRAINER = """
import sys, time
from pathlib import Path
from bakeoff.record.lock import RunLock

made, path = Path(sys.argv[1]), Path(next(a for a in sys.argv[2:] if "/" in a))
do = made / f"{path.name}.do"

def log(name):
    with (path / "events.jsonl").open("ab") as file:
        file.write((made / name).read_bytes())

path.mkdir(exist_ok=True)
with RunLock(path):
    (made / f"{path.name}.is").write_text("locked")
    while True:
        word = do.read_text() if do.is_file() else ""
        if word == "begin" and not (path / "run.json").exists():
            (path / "run.json").write_bytes((made / "run.json").read_bytes())
            log("started")
        if word == "begin":
            (made / f"{path.name}.is").write_text("began")
        if word == "finish":
            (path / "results.json").write_bytes((made / "results.json").read_bytes())
        if word in ("finish", "fail"):
            log("finished" if word == "finish" else "failed")
            break
        time.sleep(0.005)
"""


class TrainingJobs(RuleBasedStateMachine):
    """Two servers of one home; `states` and `begun` are what they must show."""

    made: ClassVar[Path]  # what a trainer copies into its run

    @initialize()
    def empty(self) -> None:
        self.states: dict[str, Status] = {}
        self.begun: set[str] = set()
        self.stack = ExitStack()
        self.home = Home(Path(self.stack.enter_context(TemporaryDirectory())), open=True)
        self.servers = [ExitStack(), ExitStack()]
        self.clients = [one.enter_context(serving(None, home=self.home)) for one in self.servers]

    def teardown(self) -> None:
        if not hasattr(self, "servers"):
            return
        if (name := self.running) is not None:
            self.clients[0].post(f"/api/runs/{name}/cancel").raise_for_status()
            self.ended(name, "stopped")
        for one in self.servers:
            one.close()
        self.stack.close()

    @property
    def running(self) -> str | None:
        return next((name for name, status in self.states.items() if status == "running"), None)

    def at_work(self) -> str:
        assert self.running is not None, "a precondition of the rule"
        return self.running

    def ask(self, server: int, method: str, path: str, **more: object) -> httpx.Response:
        return self.clients[server].request(method, path, **more)  # type: ignore[arg-type]

    def tell(self, name: str, word: str) -> None:
        """Let the trainer of a run go on; written as a whole, so that it reads no half."""
        (self.made / "new").write_text(word)
        (self.made / "new").replace(self.made / f"{name}.do")

    def has(self, name: str, word: str) -> None:
        """Wait until the trainer of a run has the lock, or has begun."""
        wait(lambda: _text(self.made / f"{name}.is") == word, word)

    def ended(self, name: str, status: Status) -> None:
        for file in self.made.glob(f"{name}.*"):
            file.unlink()
        self.states[name] = status

    # -- requests ----------------------------------------------------------------------------

    @rule(server=st.integers(0, 1), name=st.sampled_from(NAMES))
    def start(self, server: int, name: str) -> None:
        answer = self.ask(server, "POST", "/api/training", json={"set": "digits", "name": name})
        if self.running is not None or name in self.states:
            assert answer.status_code == 409
            return
        assert (answer.status_code, answer.json()) == (201, {"run": name})
        self.states[name] = "running"

    @rule(server=st.integers(0, 1), name=st.sampled_from(NAMES))
    def resume(self, server: int, name: str) -> None:
        answer = self.ask(server, "POST", f"/api/runs/{name}/resume")
        if name not in self.states:
            assert answer.status_code == 404
        elif self.running is not None or self.states[name] == "finished" or name not in self.begun:
            assert answer.status_code == 409
        else:
            assert (answer.status_code, answer.json()["status"]) == (200, "running")
            self.states[name] = "running"

    @rule(server=st.integers(0, 1), name=st.sampled_from(NAMES))
    def cancel(self, server: int, name: str) -> None:
        answer = self.ask(server, "POST", f"/api/runs/{name}/cancel")
        if self.states.get(name) != "running":
            assert answer.status_code == (409 if name in self.states else 404)
            return
        self.ended(name, self.stopped(name))
        assert (answer.status_code, answer.json()["status"]) == (200, self.states[name])

    @rule(server=st.integers(0, 1), name=st.sampled_from(NAMES))
    def delete(self, server: int, name: str) -> None:
        answer = self.ask(server, "DELETE", f"/api/runs/{name}")
        if self.states.get(name) in (None, "running"):
            assert answer.status_code == (409 if name in self.states else 404)
            return
        assert answer.status_code == 204
        del self.states[name]
        self.begun.discard(name)
        assert not (self.home.runs / name).exists()

    @rule(server=st.integers(0, 1))
    def restart(self, server: int) -> None:
        self.servers[server].close()
        self.servers[server] = ExitStack()
        self.clients[server] = self.servers[server].enter_context(serving(None, home=self.home))

    # -- what trainers do --------------------------------------------------------------------

    @precondition(lambda self: self.running is not None)
    @rule()
    def begin(self) -> None:
        name = self.at_work()
        self.tell(name, "begin")
        self.has(name, "began")
        self.begun.add(name)

    @precondition(lambda self: self.running in self.begun)
    @rule(how=st.sampled_from(("finish", "fail")))
    def end(self, how: str) -> None:
        name = self.at_work()
        pid = self.pid(name)
        self.tell(name, how)
        wait(lambda: not alive(pid), f"end of {name}")
        self.ended(name, "finished" if how == "finish" else "failed")

    @precondition(lambda self: self.running is not None)
    @rule()
    def kill(self) -> None:
        """As the system does when memory is short."""
        name = self.at_work()
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        wait(lambda: not alive(pid), f"end of {name}")
        self.ended(name, self.stopped(name))

    def pid(self, name: str) -> int:
        wait(lambda: holder(self.home.runs / name), "process id")
        return holder(self.home.runs / name) or 0

    def stopped(self, name: str) -> Status:
        """What a run is that ended before its end."""
        return "stopped" if name in self.begun else "failed"

    # -- what holds at every moment -----------------------------------------------------------

    @invariant()
    def both_servers_show_it(self) -> None:
        for client in self.clients:
            shown = {one["name"]: one["status"] for one in client.get("/api/runs").json()}
            assert shown == self.states
            assert client.get("/api/training").json()["running"] == self.running


def wait(until: Callable[[], object], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(3, 15), pytest.param(100, 50, marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
)
def test_the_jobs_are_what_their_model_says(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    examples: int,
    steps: int,
) -> None:
    for name in ("run.json", "results.json"):
        (tmp_path / name).write_bytes((finished.path / name).read_bytes())
    first, *_, last = (finished.path / "events.jsonl").read_bytes().splitlines(keepends=True)
    failed = RunFailed(why="broken").model_dump_json() + "\n"
    for name, line in [("started", first), ("finished", last), ("failed", failed.encode())]:
        (tmp_path / name).write_bytes(line)
    # A server's process hears Ctrl-C and so do its children; a shell's background job does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-P", "-c", TRAINER, str(tmp_path)))
    monkeypatch.setattr(TrainingJobs, "made", tmp_path, raising=False)
    try:
        run_state_machine_as_test(
            TrainingJobs,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=True,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        signal.signal(signal.SIGINT, before)
