"""Graphs for other runtimes, each compared with the answers of the trained model."""

from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from bakeoff.bundle.fixed import fixed_graph, fixed_pictures, fixed_shape
from bakeoff.bundle.runtimes import ELSEWHERE, RUNTIMES, _reason, answers_of, python_with
from bakeoff.bundle.torch_graph import TorchGraph
from bakeoff.bundle.tracing import graph_of
from bakeoff.errors import BakeoffError
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

PICTURES = [
    np.random.default_rng(height).integers(0, 256, (height, 31, channels)).astype(np.uint8)
    for height, channels in ((28, 1), (45, 3), (9, 1))
]


def traced(activation: nn.Module) -> bytes:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 4, 3), activation, nn.AdaptiveAvgPool2d(4), nn.Flatten())
    return graph_of(
        Model(Preprocess(mode="ink", size=16), None, Network(body, nn.Linear(64, 3))).eval()
    )


@pytest.fixture(scope="module")
def graph() -> bytes:
    return traced(nn.ReLU())


def test_the_fixed_graph_gives_the_same_answers(graph: bytes) -> None:
    shape = fixed_shape(graph)
    assert shape == (16, 16, 1)
    fixed = fixed_graph(graph, shape)
    pictures = fixed_pictures(PICTURES, shape)
    assert {picture.shape for picture in pictures} == {shape}
    for free, one_size in zip(
        answers_of("onnxruntime", graph, pictures),
        answers_of("onnxruntime", fixed, pictures),
        strict=True,
    ):
        np.testing.assert_allclose(one_size, free, atol=1e-6)
        assert np.ptp(free) > 1e-3  # an answer that says nothing would always agree


def test_every_size_in_the_fixed_graph_is_known(graph: bytes) -> None:
    model = onnx.load_model_from_string(fixed_graph(graph, (16, 16, 1)))
    [pixels] = model.graph.input
    assert [one.dim_value for one in pixels.type.tensor_type.shape.dim] == [1, 16, 16, 1]
    for value in (*model.graph.value_info, *model.graph.output):
        assert all(one.dim_value for one in value.type.tensor_type.shape.dim), value.name
    assert {entry.domain for entry in model.opset_import} == {""}


def test_the_fixed_graph_halves_before_it_multiplies_by_one_and_erf() -> None:
    free = traced(nn.GELU())
    fixed = fixed_graph(free, (16, 16, 1))
    nodes = onnx.load_model_from_string(fixed).graph.node
    made_by = {node.output[0]: node for node in nodes}
    (erf,) = (node for node in nodes if node.op_type == "Erf")
    (one_more,) = (node for node in nodes if erf.output[0] in node.input)
    (product,) = (node for node in nodes if one_more.output[0] in node.input)
    assert [made_by[name].op_type for name in product.input] == ["Mul", "Add"]
    pictures = fixed_pictures(PICTURES, (16, 16, 1))
    for one, other in zip(
        answers_of("onnxruntime", free, pictures),
        answers_of("onnxruntime", fixed, pictures),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.ptp(one) > 1e-3


@pytest.mark.parametrize("name", ["openvino", "mnn", "tract", "opencv", "litert"])
def test_each_runtime_agrees_or_is_named(graph: bytes, name: str) -> None:
    runtime = RUNTIMES[name]
    if find_spec(runtime.module) is None and (runtime.apart or ELSEWHERE not in os.environ):
        with pytest.raises(BakeoffError, match=f"pip install {runtime.package}"):
            python_with("", runtime.module, runtime.package, apart=runtime.apart)
        return
    pictures = fixed_pictures(PICTURES, (16, 16, 1)) if runtime.fixed else PICTURES
    used = fixed_graph(graph, (16, 16, 1)) if runtime.fixed else graph
    expected = answers_of("onnxruntime", graph, pictures)
    for answer, own in zip(expected, answers_of(name, used, pictures), strict=True):
        np.testing.assert_allclose(own, answer, atol=1e-4)


def test_pictures_in_batches_get_the_answers_of_single_ones(graph: bytes) -> None:
    pictures = [PICTURES[0], PICTURES[0] // 2, PICTURES[0] // 3, *PICTURES[1:], PICTURES[0]]
    alone = answers_of("onnxruntime", graph, pictures)
    together = answers_of("onnxruntime", graph, pictures, batch=2)
    np.testing.assert_allclose(np.stack(together), np.stack(alone), atol=1e-6)


@pytest.mark.parametrize("sorts", [True, False])
def test_as_a_torch_module_the_fixed_graph_gives_the_same_answers(
    graph: bytes, sorts: bool
) -> None:
    shape = fixed_shape(graph)
    fixed = fixed_graph(graph, shape)
    module = TorchGraph(fixed, sorts=sorts)
    for picture in fixed_pictures(PICTURES, shape):
        expected = onnxruntime.InferenceSession(fixed).run(None, {"pixels": picture[None]})
        for answer, right in zip(
            module(torch.from_numpy(picture[None].copy())), expected, strict=True
        ):
            np.testing.assert_allclose(answer.detach().numpy(), right, atol=2e-5, rtol=1e-5)


def test_openvino_sends_nothing() -> None:
    """It would report its import to Google Analytics."""
    program = (
        "import sys; from bakeoff.bundle.runtimes import import_openvino; import_openvino(); "
        "print(sorted(name for name in sys.modules if 'telemetry' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    loaded = literal_eval(done.stdout)
    assert "openvino.tools.ovc.telemetry_stub" in loaded
    assert [name for name in loaded if name.startswith("openvino_telemetry")] in (
        [],
        ["openvino_telemetry"],  # None, which makes its import fail
    )


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "Traceback\n  File a\nValueError: no\nRegistration failed.\n\n",
            "ValueError: no Registration failed",
        ),
        ("a.b.CustomError: x\n", "a.b.CustomError: x"),
        ("bakeoff.errors.BakeoffError: a: b. C.", "a: b. C"),
        ("Killed", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_of_a_failure_is_the_last_error(stderr: str, reason: str) -> None:
    assert _reason(stderr) == reason


def test_a_runtime_that_fails_is_named() -> None:
    with pytest.raises(BakeoffError, match="onnxruntime: does not run the graph"):
        answers_of("onnxruntime", b"no graph", PICTURES)
    with pytest.raises(BakeoffError, match="Use onnxruntime, openvino"):
        answers_of("coffee", b"", PICTURES)
