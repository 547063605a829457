"""The README's commands and programs run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.data.read import read

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ")
    for language, body in BLOCKS
    if language == "console"
    for line in body.splitlines()
]
PROGRAMS = "\n".join(body for language, body in BLOCKS if language == "python")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README speaks of: pictures/ of two writers, and train.csv."""
    folder = tmp_path_factory.mktemp("readme")
    doodles = read("doodles")
    rows = ["label," + ",".join(f"pixel{i}" for i in range(784))]
    for index in range(len(doodles)):
        label = int(doodles.labels[index])
        if label < 3 and index % 100 < 12:
            name = f"{'ann' if index % 2 else 'ben'}{index}.png"
            path = folder / "pictures" / doodles.classes[label] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.asarray(doodles.pictures[index])
            Image.fromarray(pixels[..., 0]).save(path)
            rows.append(f"{label}," + ",".join(map(str, pixels.reshape(-1))))
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    return folder


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "COLUMNS": "100"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_has_commands_and_programs() -> None:
    assert len(COMMANDS) >= 6
    assert "bakeoff.bake" in PROGRAMS


@pytest.mark.slow
@pytest.mark.timeout(1800)  # each needs what those before it left, so they are one test
def test_every_command_of_the_readme_runs(workplace: Path) -> None:
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "bakeoff"
        _run([str(Path(sys.executable).with_name("bakeoff")), *arguments], workplace)
    for left in ("runs/digits/report.html", "answers.csv", "digits.bakeoff"):
        assert (workplace / left).stat().st_size > 1000


@pytest.mark.slow
def test_every_program_of_the_readme_runs(workplace: Path) -> None:
    out = _run([sys.executable, "-W", "error", "-c", PROGRAMS], workplace)
    assert "pictures right" in out
    scores = [float(score) for score in re.findall(r"0\.\d+", out.splitlines()[-1])]
    assert min(scores) > 0.8
