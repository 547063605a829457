"""What a training on a server is made of: its state, its signals, its models, what it may name."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from bakeoff.record.events import RunFailed
from bakeoff.record.folder import RunFolder
from bakeoff.server.home import Home
from bakeoff.server.jobs import Jobs, log_lines, status_of
from bakeoff.server.limits import Bounds
from bakeoff.server.models import Models

from ..made_up_events import run_started
from .test_train import QUICK, room, strokes_config


def test_the_status_of_a_run_follows_from_its_files(finished: RunFolder, tmp_path: Path) -> None:
    assert status_of(finished) == "finished"
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    assert status_of(run) == "failed"
    run = RunFolder.create(run.path, strokes_config())
    assert status_of(run) == "stopped"
    run.log(run_started())
    assert status_of(run) == "stopped"
    run.log(RunFailed(why="x" * 5000))
    assert status_of(run) == "failed"
    assert log_lines(run, 9) is None
    (run.path / "log.txt").write_bytes(b"a" * 200_000 + b"\n\x1b[1mbold\x1b[0m \xff\n")
    assert (log_lines(run, 1) or [""])[0].startswith("bold")


def test_a_process_that_is_gone_is_not_signalled(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    Jobs()._send(run, signal.SIGINT)  # nobody holds it


def test_the_least_recently_used_model_is_unloaded(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakeoff.server.models.MAX_LOADED", 1)
    models = Models({}, waiting=1, cores=1)

    async def main() -> None:
        paths = [finished.bundle("baseline"), finished.bundle("cnn")]
        assert await models.load("a", paths[:1]) == ["a/baseline"]
        assert await models.load("a", paths[1:]) == ["a/cnn"]
        assert list(models) == ["a/cnn"]
        models.forget_run(finished.path)
        assert list(models) == []
        models.close()

    asyncio.run(main())


def test_sets_have_their_own_limits() -> None:
    bounds = Bounds(body_mb=1, body_seconds=2, set_mb=3, set_seconds=4)
    assert bounds.of_body("POST", "/api/sets") == (3, 4)
    assert bounds.of_body("POST", "/api/sets/x/pictures") == (1, 2)
    assert bounds.set_archive.max_bytes == 12_000_000


@pytest.mark.parametrize(
    "approach",
    [
        "{0}:MyNet",
        "nets/my_net.onnx",
        {"name": "{0}:MyNet"},
        {"name": "mynet", "own": {"path": "{0}", "attribute": "MyNet"}},
    ],
)
@pytest.mark.parametrize("door", ["", "/estimate"])
def test_no_request_names_a_file_of_code(home: Home, approach: Any, door: str) -> None:
    path = home.path / "my_net.py"
    path.write_text(f"open({str(home.path / 'ran')!r}, 'w')")
    asked = json.loads(json.dumps(approach).replace("{0}", str(path)))
    with room(home) as client:
        answer = client.post(f"/api/training{door}", json=QUICK | {"approaches": ["cnn", asked]})
        assert answer.status_code in (400, 422)
        assert "is a file, and a server runs no code that a request names" in answer.text
    assert not (home.path / "ran").exists()
    assert not list(home.path.glob("runs/*"))
