"""`bakeoff run --open`: the page is there at once, and Ctrl-C ends the page and the training."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import holder
from bakeoff.run.bake import resume

from .strokes import strokes

OPTIONS = ("-a", "baseline", "-a", "cnn", "--folds", "2", "--no-robustness", "--threads", "1")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The strokes as a folder of pictures."""
    dataset = strokes()
    for row, name in enumerate(dataset.names):
        path = tmp_path / "strokes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.pictures[row][..., 0]).save(path)
    return tmp_path / "strokes"


class Command:
    """`bakeoff run` with a screen, whose browser writes down what it is to show."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.shown = folder / "shown.txt"
        browser = folder / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" > "{self.shown}"\n', encoding="utf-8")
        browser.chmod(0o755)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bakeoff", "run", *map(str, arguments)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "DISPLAY": ":0", "BROWSER": f"{browser} %s"},
        )

    def until(self, found: Callable[[], Any], seconds: float = 180.0) -> Any:
        """What `found` finds in the end."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if result := found():
                return result
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])

    def address(self) -> str:
        text = self.until(lambda: self.shown.is_file() and self.shown.read_text().strip())
        return str(text)

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=180)
        return self.process.returncode, out


def run_at(address: str) -> dict[str, Any]:
    """The summary of the run that the page is to show."""
    home, _, place = address.partition("/#/try/")
    listed = httpx.get(f"{home}/api/runs").json()
    found: dict[str, Any] = next(one for one in listed if one["name"] == place)
    return found


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_the_page_and_the_training(pictures: Path, tmp_path: Path) -> None:
    slow = ("--set", "cnn.epochs=20000", "--set", "baseline.epochs=2")
    command = Command(tmp_path, pictures, *OPTIONS, *slow)
    address = command.address()
    assert run_at(address)["status"] == "running"  # although nothing has imported torch yet
    scored = command.until(lambda: run_at(address)["models"])
    assert scored == ["baseline"]
    name = address.rpartition("/")[2]
    home = address.partition("/#")[0]
    (model,) = httpx.post(f"{home}/api/runs/{name}/models", timeout=30).json()
    picture = next(pictures.rglob("*.png")).read_bytes()
    answered = httpx.post(f"{home}/api/predict?model={model['name']}", content=picture, timeout=30)
    assert answered.json()["models"][0]["answers"][0]["label"]
    command.process.send_signal(signal.SIGINT)
    code, out = command.end()
    assert code == 130
    path = tmp_path / "runs" / name
    assert re.search(rf"Continue with: bakeoff run --resume runs/{name}", out)
    run = RunFolder(path)
    assert holder(path) is None  # a busy machine may need force, which leaves the lock's file
    config = run.config
    settings = {"epochs": 2}
    quick = [one.model_copy(update={"settings": settings}) for one in config.approaches]
    run.amend(config.model_copy(update={"approaches": tuple(quick)}))
    assert resume(path).results().preliminary is None


@pytest.mark.skipif(os.name != "posix", reason="the browser of the test is a shell script")
def test_without_a_terminal_it_ends_with_the_run(pictures: Path, tmp_path: Path) -> None:
    command = Command(tmp_path, pictures, *OPTIONS, "--set", "epochs=2", "--out", "elsewhere")
    assert command.address().endswith("/#/try/elsewhere")
    code, out = command.end()
    assert code == 0
    assert "out of fold" in out
    assert RunFolder(tmp_path / "elsewhere").results().approaches


@pytest.mark.skipif(os.name != "posix", reason="the browser of the test is a shell script")
def test_a_run_that_cannot_begin_says_why(tmp_path: Path) -> None:
    code, out = Command(tmp_path, tmp_path / "nowhere", *OPTIONS).end()
    assert code == 2
    assert "nowhere" in out
