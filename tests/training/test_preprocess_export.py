"""The exported graph is the module itself, so it must give what the module gives."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from bakeoff.training.preprocess import Mode, Preprocess

from .drawn import sheet

SHAPES = [
    (1, 12, 12, 1),
    (3, 40, 25, 3),
    (2, 97, 160, 1),
    (1, 1, 1, 1),
    (2, 3, 2, 3),
    (1, 1, 50, 1),
]


@pytest.fixture(scope="module", params=[("ink", 1), ("photo", 1), ("photo", 3)])
def road(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Preprocess, onnxruntime.InferenceSession]:
    """A module and what ONNX Runtime makes of its export."""
    mode: Mode
    mode, channels = request.param
    preprocess = Preprocess(mode=mode, size=28, channels=channels).eval()
    path: Path = tmp_path_factory.mktemp("onnx") / "prepare.onnx"
    example = torch.from_numpy(np.repeat(sheet(30, 40, radius=10)[None], 2, axis=0).repeat(3, 3))
    torch.onnx.export(
        preprocess,
        (example,),
        path,
        dynamo=True,
        opset_version=18,
        dynamic_shapes=(dict.fromkeys(range(4), torch.export.Dim.DYNAMIC),),
        input_names=["pixels"],
        output_names=["square"],
        external_data=False,
        verbose=False,
    )
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "Resize" not in operators, "runtimes differ in its antialiasing"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return preprocess, onnxruntime.InferenceSession(str(path), options)


@pytest.mark.parametrize("shape", SHAPES)
def test_export_agrees_with_torch(
    road: tuple[Preprocess, onnxruntime.InferenceSession], shape: tuple[int, int, int, int]
) -> None:
    preprocess, session = road
    count, height, width, channels = shape
    rng = np.random.default_rng(height)
    noise = rng.integers(0, 256, shape).astype(np.uint8)
    drawing = sheet(height, width, radius=min(height, width) / 3, pen=max(1, height / 12), ink=40)
    pixels = np.concatenate([noise, drawing[None].repeat(channels, 3)])
    (answer,) = session.run(["square"], {"pixels": pixels})
    wanted = preprocess(torch.from_numpy(pixels)).numpy()
    assert answer.shape == wanted.shape == (count + 1, preprocess.channels, 28, 28)
    assert np.abs(answer - wanted).max() < 1e-4
