"""Every approach, from raw pixels to probabilities, as one ONNX graph for pictures of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.training.model import Model
from bakeoff.training.preprocess import Preprocess

SETTINGS: dict[str, dict[str, object]] = {
    "scattering": {"orientations": 2, "side": 32},
    "baseline": {},
    "cnn": {"filters": (8, 16, 16), "dense": (12,)},
    "vit": {"embed_dim": 16, "num_heads": 2, "depth": 1},
    "transfer": {"side": 64, "dense": (8,)},
}


def drawn(count: int, height: int, width: int, channels: int) -> torch.Tensor:
    """Paper with a stroke on it, and some noise."""
    generator = np.random.default_rng(height)
    pixels = generator.integers(200, 256, (count, height, width, channels), dtype=np.uint8)
    pixels[:, height // 4 : height // 2, width // 3 : width // 3 + 3] //= 6
    pixels[:, height // 2 : height // 2 + 2, width // 4 : width // 2] //= 8
    return torch.from_numpy(pixels)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("baseline", "ink"),
        ("cnn", "photo"),
        ("vit", "ink"),
        # Runs export these too, and compare the answers: of the README, and of other tests.
        *(
            pytest.param(name, mode, marks=pytest.mark.long)
            for name in ("scattering", "transfer")
            for mode in ("ink", "photo")
        ),
    ],
)
def test_one_graph_for_pictures_of_any_size(
    name: str, mode: Literal["ink", "photo"], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    task = Task(classes=5, pictures=100, side=28, channels=3, mode=mode)
    approach = configure(name, SETTINGS[name])
    model = Model(
        approach.preprocess(task), approach.frozen(task), approach.build(task), 0.7
    ).eval()
    every = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        model,
        (drawn(2, 40, 50, 3),),
        dynamo=True,
        opset_version=18,
        dynamic_shapes=({0: every, 1: every, 2: every, 3: every},),
        verbose=False,
    )
    assert program is not None
    program.save(str(tmp_path / "model.onnx"))
    operators = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert not operators & {"Resize", "IsNaN", "Atan", "GridSample"}, "runtimes differ in these"
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for shape in [(1, 28, 28, 1), (3, 130, 160, 1), (2, 60, 40, 3)]:
        pixels = drawn(*shape)
        with torch.inference_mode():
            expected = model(pixels).numpy()
        (answer,) = session.run(None, {session.get_inputs()[0].name: pixels.numpy()})
        assert answer.shape == (shape[0], 5)
        np.testing.assert_allclose(answer, expected, atol=1e-4)
        assert np.ptp(expected) > 1e-3  # an answer that says nothing would always agree


def test_a_cropped_photo_is_the_same_in_the_graph(tmp_path: Path) -> None:
    crop = Preprocess(mode="photo", size=20, channels=3, fit="crop").eval()
    every = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        crop,
        (drawn(2, 40, 50, 3),),
        dynamo=True,
        opset_version=20,
        dynamic_shapes=({0: every, 1: every, 2: every, 3: every},),
        verbose=False,
    )
    assert program is not None
    program.save(str(tmp_path / "crop.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "crop.onnx")
    for shape in [(1, 28, 28, 1), (3, 131, 160, 1), (2, 60, 41, 3), (1, 300, 20, 3)]:
        pixels = drawn(*shape)
        (answer,) = session.run(None, {session.get_inputs()[0].name: pixels.numpy()})
        np.testing.assert_allclose(answer, crop(pixels).numpy(), atol=1e-5)
