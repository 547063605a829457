"""The examples run, at a small scale."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from bakeoff.bundle.tracing import graph_of
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

from .examples import EXAMPLES, LANGUAGES, compiled

FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] != "_")


@pytest.mark.parametrize("pictures", [60, pytest.param(300, marks=pytest.mark.long)])
def test_the_exploration_writes_two_tables(tmp_path: Path, pictures: int) -> None:
    out = tmp_path / "explored.md"
    asked = ["--trials", "2", "--pictures", str(pictures), "--out", str(out)]
    asked += ["--workers", "local:1"]
    subprocess.run(
        [sys.executable, EXAMPLES / "explore_mnist" / "explore_mnist.py", "digits", *asked],
        check=True,
        cwd=tmp_path,
    )
    text = out.read_text()
    assert text.count("| defaults |") + text.count("**defaults**") == 2
    assert "## CNN from scratch" in text
    assert "## Vision Transformer from scratch" in text
    assert text.count("pictures that no trial saw") == 2
    assert "mattered most" not in text  # of two trials nobody can tell


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that names a picture, compiled as the example says."""
    language: str = request.param
    if LANGUAGES[language] is None:
        pytest.skip(f"needs what runs .{language} and its runtime")
    return compiled(language, tmp_path_factory.mktemp(language))


@pytest.mark.parametrize(("channels", "best"), [(1, 3), (3, 1)])
def test_other_languages_name_a_picture_as_python_does(
    program: list[str], tmp_path: Path, channels: int, best: int
) -> None:
    network = Network(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), nn.Linear(16, 4))
    with torch.no_grad():
        network.head.bias[best] = 2
    graph = graph_of(Model(Preprocess(mode="ink", size=16), None, network).eval())
    (tmp_path / "model.onnx").write_bytes(graph)
    manifest = {"title": "CNN", "classes": ["cat", "Büro 7", "house", "[mug]"], "files": ["a"]}
    (tmp_path / "bundle.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    header = f"P{6 if channels == 3 else 5}\n30 20\n255\n".encode()
    (tmp_path / "picture.pnm").write_bytes(header + pixels.tobytes())
    command = [*program, str(tmp_path), str(tmp_path / "picture.pnm")]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    session = onnxruntime.InferenceSession(graph)
    shares = session.run(["probabilities"], {"pixels": pixels[None]})[0][0]
    name, share = done.stdout.strip().rsplit(" ", 1)
    assert shares.argmax() == best
    assert name == manifest["classes"][best]
    assert abs(float(share) - shares.max()) < 1e-4


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_of_other_languages_are_short(language: str) -> None:
    text = (EXAMPLES / "name_picture" / f"name_picture.{language}").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize("example", FOLDERS)
def test_an_example_has_one_command_and_one_picture(example: str) -> None:
    text = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(command.splitlines()) == 1
    for name in re.findall(r"\S+\.(?:py|mjs|pgm|txt)\b", command):
        places = (EXAMPLES.parent, EXAMPLES / example)
        assert any((place / name).is_file() for place in places), name
    ((words, picture),) = re.findall(r"!\[(.*?)\]\((.*?)\)", text)
    assert words
    with Image.open(EXAMPLES / example / picture) as image:
        image.load()
        assert min(image.size) >= 200


def test_every_example_is_in_the_table() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"^\| \[.*?\]\((.*?)\)", text, re.MULTILINE))
    assert linked == {"notebook.ipynb", *(f"{name}/README.md" for name in FOLDERS)}
