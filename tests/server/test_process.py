"""`bakeoff serve` as people start and stop it."""

from __future__ import annotations

import asyncio
import http.client
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.server import jobs

from ..commands import bakeoff
from ..made_up_events import run_started
from .test_predict import DRAWINGS, answers, png


@contextmanager
def served(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A process that serves, its address, and all that it had printed by then."""
    command = [sys.executable, "-m", "bakeoff", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        try:
            for line in process.stdout:
                said += line
                if found := re.search(r"http://[\d.]+:\d+", line):
                    yield process, found[0], said
                    break
        finally:  # else a test that fails would wait for it for ever
            process.kill()


def test_it_serves_until_told_to_stop_and_finishes_what_is_in_flight(finished: RunFolder) -> None:
    with served(finished.path, "--threads", "1") as (process, address, said):
        assert "cnn: " in said
        assert "token" not in said
        header = ",".join(f"pixel{place}" for place in range(144))
        table = "\n".join([header, *[",".join(["7"] * 144)] * 1500])
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            client.sendall(
                f"POST /api/predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: text/csv\r\n"
                f"Content-Length: {len(table)}\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert client.recv(1000).startswith(b"HTTP/1.1 100")  # so the request has begun
            process.send_signal(signal.SIGTERM)
            client.sendall(table.encode())
            response = http.client.HTTPResponse(client)
            response.begin()
            found = answers(httpx.Response(response.status, content=response.read()))
        assert len(found["cnn"]) == 1500
        assert process.wait(30) in (0, -signal.SIGTERM)


def test_away_from_this_machine_it_prints_a_token_once(finished: RunFolder) -> None:
    with served(finished.bundle("cnn"), "--host", "0.0.0.0") as (_, address, said):
        token = re.search(r"token: (\S{40,})", said)
        assert token is not None
        body = png(DRAWINGS[0])
        assert httpx.post(f"{address}/api/predict", content=body, timeout=60).status_code == 401
        headers = {"authorization": f"Bearer {token[1]}"}
        response = httpx.post(f"{address}/api/predict", content=body, headers=headers)
        assert list(answers(response)) == ["cnn"]


def test_without_a_model_it_serves_the_room_to_train_in(tmp_path: Path) -> None:
    with served("--home", tmp_path) as (_, address, _said):
        found = httpx.get(f"{address}/api/training", timeout=60).json()
        assert found["possible"] is True
        assert httpx.get(f"{address}/api/runs").json() == []
        assert httpx.get(f"{address}/api/models").json() == []
    assert list(tmp_path.iterdir()) == []


def test_who_follows_a_run_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    run = RunFolder.create(
        tmp_path / "runs" / "run", RunConfig.parse(source="x", approaches=("cnn",))
    )
    run.log(run_started())
    with served("--home", tmp_path) as (process, address, _said), RunLock(run.path):
        with httpx.stream("GET", f"{address}/api/runs/run/events", timeout=30) as followed:
            lines = followed.iter_lines()
            assert next(lines) == "id: 0"
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert "run stopped" not in "".join(lines)
        process.wait(30)
        assert time.monotonic() - started < 10


def test_a_training_outlives_its_server_and_is_found_by_the_next(tmp_path: Path) -> None:
    asked = {"set": "doodles", "approaches": ["cnn"], "budget": "thorough", "name": "long"}
    with served("--home", tmp_path) as (process, address, _said):
        assert httpx.post(f"{address}/api/training", json=asked, timeout=60).status_code == 201
        with httpx.stream("GET", f"{address}/api/runs/long/events", timeout=120) as followed:
            assert "event: epoch" in followed.iter_lines()
        process.kill()
        process.wait(30)
    run = RunFolder(tmp_path / "runs" / "long")
    before = sum(1 for _ in run.events())
    with served("--home", tmp_path) as (_, address, _said):
        (found,) = httpx.get(f"{address}/api/runs", timeout=60).json()
        assert (found["name"], found["status"]) == ("long", "running")
        lines = 0
        with httpx.stream("GET", f"{address}/api/runs/long/events", timeout=120) as followed:
            for line in followed.iter_lines():  # it went on meanwhile, and still does
                lines += line.startswith("event: ")
                if lines > before + 1:
                    break
        cancelled = httpx.post(f"{address}/api/runs/long/cancel", timeout=60).json()
        assert cancelled["status"] == "stopped"


def test_away_from_this_machine_training_wants_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEOFF_TOKEN", "secret")
    away = ("--home", tmp_path, "--host", "0.0.0.0")
    for leave in (False, True):
        more = ("--allow-training",) if leave else ()
        with served(*away, *more) as (_, address, _said):
            headers = {"authorization": "Bearer secret"}
            found = httpx.get(f"{address}/api/training", headers=headers).json()
            assert found["possible"] is leave


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bound", "bodies=3"], "is not known"),
        (["--bound", "body_mb=0"], "is not a positive integer"),
    ],
)
def test_a_bound_that_is_none_is_refused(
    finished: RunFolder,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bakeoff("serve", finished.path, *arguments, monkeypatch=monkeypatch, code=2)
    assert words in capsys.readouterr().err


def test_what_is_no_bundle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff("serve", tmp_path, monkeypatch=monkeypatch, code=2)
    assert "is not a bundle" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_missed_a_signal_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python ignores a KeyboardInterrupt that is raised in a callback of a weak reference."""
    monkeypatch.setattr(jobs, "AGAIN", 0.5)
    program = """
import signal, sys, time
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
print("ready", flush=True)
while len(heard) < 2:
    time.sleep(0.05)
"""
    run = RunFolder.create(tmp_path / "run", RunConfig(source="digits"))
    started = jobs.Jobs()
    child = jobs._Child([sys.executable, "-c", program], stdout=subprocess.PIPE)
    started._processes[run.path] = child
    assert child.stdout is not None
    child.stdout.readline()
    asyncio.run(started.cancel(run))
    assert child.wait() == 0
    child.stdout.close()
    assert started.status(run) == "stopped"
