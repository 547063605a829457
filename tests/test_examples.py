"""The examples run, at a small scale."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from bakeoff.bundle.tracing import graph_of
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

EXAMPLES = Path(__file__).parents[1] / "examples"
MODULES = Path(__file__).parents[1] / "web" / "node_modules"


@pytest.mark.parametrize("pictures", [60, pytest.param(300, marks=pytest.mark.long)])
def test_the_exploration_writes_two_tables(tmp_path: Path, pictures: int) -> None:
    out = tmp_path / "explored.md"
    asked = ["--trials", "2", "--pictures", str(pictures), "--out", str(out)]
    asked += ["--workers", "local:1"]
    subprocess.run(
        [sys.executable, EXAMPLES / "explore_mnist.py", "digits", *asked], check=True, cwd=tmp_path
    )
    text = out.read_text()
    assert text.count("| defaults |") + text.count("**defaults**") == 2
    assert "## CNN from scratch" in text
    assert "## Vision Transformer from scratch" in text
    assert text.count("pictures that no trial saw") == 2
    assert "mattered most" not in text  # of two trials nobody can tell


def tract_library() -> Path | None:
    """The library in the package tract, which C and Rust can link."""
    spec = find_spec("tract")
    folders = spec.submodule_search_locations if spec else None
    return next(iter(Path(folders[0]).glob("tract.*.so")), None) if folders else None


LIBRARY = tract_library()
LANGUAGES = {
    "mjs": shutil.which("node") if (MODULES / "onnxruntime-web").is_dir() else None,
    "c": shutil.which("cc") if LIBRARY else None,
    "rs": shutil.which("rustc") if LIBRARY else None,
}


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that names a picture, compiled as the example says."""
    tool, folder = LANGUAGES[request.param], tmp_path_factory.mktemp(request.param)
    if tool is None:
        pytest.skip(f"needs what runs .{request.param} and its runtime")
    source = shutil.copy(EXAMPLES / f"name_picture.{request.param}", folder)
    if request.param == "mjs":
        (folder / "node_modules").symlink_to(MODULES)
        return [tool, str(source)]
    assert LIBRARY is not None
    built, rpath = folder / "name_picture", f"-Wl,-rpath,{LIBRARY.parent}"
    linked = [str(LIBRARY), rpath]
    if request.param == "rs":
        linked = [f"-Clink-arg={each}" for each in linked]
    subprocess.run([tool, str(source), "-o", str(built), *linked], check=True, cwd=folder)
    return [str(built)]


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
    text = (EXAMPLES / f"name_picture.{language}").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
