"""The examples run, at a small scale."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
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


@pytest.mark.skipif(
    not (shutil.which("node") and (MODULES / "onnxruntime-web").is_dir()),
    reason="needs Node and the page's packages",
)
@pytest.mark.parametrize("channels", [1, 3])
def test_javascript_names_a_picture_as_python_does(tmp_path: Path, channels: int) -> None:
    network = Network(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), nn.Linear(16, 3))
    graph = graph_of(Model(Preprocess(mode="ink", size=16), None, network).eval())
    (tmp_path / "model.onnx").write_bytes(graph)
    names = ["cat", "dog", "house"]
    (tmp_path / "bundle.json").write_text(json.dumps({"classes": names}))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    header = f"P{6 if channels == 3 else 5}\n30 20\n255\n".encode()
    (tmp_path / "picture.pnm").write_bytes(header + pixels.tobytes())
    (tmp_path / "node_modules").symlink_to(MODULES)
    script = shutil.copy(EXAMPLES / "name_picture.mjs", tmp_path)
    command = ["node", script, str(tmp_path), str(tmp_path / "picture.pnm")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    session = onnxruntime.InferenceSession(graph)
    shares = session.run(["probabilities"], {"pixels": pixels[None]})[0][0]
    name, share = done.stdout.split()
    assert name == names[shares.argmax()]
    assert abs(float(share) - shares.max()) < 1e-4
