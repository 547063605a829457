"""Graphs of models: an architecture is traced once, and each model's own weights are filled in."""

from __future__ import annotations

import re
import warnings
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import quantize_dynamic
from torch import Tensor, nn

from bakeoff.bundle import tracing
from bakeoff.bundle.architecture import key_of
from bakeoff.bundle.graph import INPUT, OUTPUTS
from bakeoff.bundle.parts import Part
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess


class Scale(nn.Module):
    """One number in the code, one attribute, one weight."""

    def __init__(self, attribute: object) -> None:
        super().__init__()
        self.attribute = attribute
        self.weight = nn.Parameter(torch.rand(16))

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.attribute, float)
        scaled: Tensor = x.flatten(1) * self.weight * self.attribute
        return scaled


def scaled(x: Tensor, by: float) -> Tensor:
    return x * by


class Shrink(Preprocess):
    """A preprocessing that is traced in a tenth of the time of the real one."""

    def __init__(self, size: int = 4) -> None:
        super().__init__(mode="photo", size=size)

    def forward(self, pixels: Tensor) -> Tensor:
        grey = pixels.float().mean(-1)[:, None] / 255
        return nn.functional.interpolate(grey, size=(self.size, self.size), mode="bilinear")


def model_of(body: nn.Module, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    head = nn.Linear(16, 3)
    return Model(Shrink(), None, Network(body, head), 2.0).eval()


@pytest.fixture(scope="module")
def shrinking() -> dict[int, onnx.ModelProto]:
    """Traces of `Shrink` by its size: it has no weights, so that each model's is the same."""
    return {}


@pytest.fixture
def traces(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shrinking: dict[int, onnx.ModelProto]
) -> list[str]:
    """The names of the parts that are traced from now on, with an empty cache."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    parts: list[str] = []
    traced = tracing.trace_of

    def listening(part: Part, taken: list[Tensor]) -> onnx.ModelProto:
        parts.append(part.name)
        if part.name != "prepare":
            return traced(part, taken)
        size = part.model.get_submodule("preprocess").size
        assert isinstance(size, int)
        if size not in shrinking:
            shrinking[size] = traced(part, taken)
        return deepcopy(shrinking[size])

    monkeypatch.setattr(tracing, "trace_of", listening)
    return parts


def agrees(graph: bytes, model: Model, within: float = 1e-5) -> bool:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 9, 7, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    [answered] = session.run([OUTPUTS[0]], {INPUT: pixels})
    with torch.inference_mode():
        return bool(np.abs(answered - model(torch.from_numpy(pixels)).numpy()).max() < within)


def test_a_second_model_of_an_architecture_only_gets_its_weights(traces: list[str]) -> None:
    first, second = model_of(Scale(2.0)), model_of(Scale(2.0), seed=1)
    graphs = [tracing.graph_of(first), tracing.graph_of(second)]
    assert traces == ["prepare", "answer"]
    assert agrees(graphs[0], first)
    assert agrees(graphs[1], second)
    assert not agrees(graphs[0], second)
    assert tracing.graph_of(first) == graphs[0]


def test_an_attribute_is_part_of_the_architecture(traces: list[str]) -> None:
    for attribute in (2.0, 3.0):
        model = model_of(Scale(attribute))
        assert agrees(tracing.graph_of(model), model)
    assert traces == ["prepare", "answer", "answer"]


def pooled(size: int) -> Model:
    """A model of pictures of this size, whose weights have the same shapes for all sizes."""
    body = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return Model(Shrink(size), None, Network(body, nn.Linear(4, 3)), 2.0).eval()


def test_the_size_of_the_input_is_part_of_the_architecture(traces: list[str]) -> None:
    for size in (4, 8, 4):
        model = pooled(size)
        assert agrees(tracing.graph_of(model), model)
    assert traces == 2 * ["prepare", "answer"]


def test_a_kept_graph_that_cannot_be_run_is_traced_again(
    traces: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "sizes_of", lambda *_: ())
    for size in (4, 8):
        model = pooled(size)
        assert agrees(tracing.graph_of(model), model)
    assert traces.count("answer") == 2


def test_a_kept_graph_that_answers_otherwise_is_traced_again(
    traces: list[str], tmp_path: Path
) -> None:
    model = model_of(Scale(2.0))
    tracing.graph_of(model)
    for kept in tmp_path.glob("graphs/*.onnx"):
        proto = onnx.load_model_from_string(kept.read_bytes())
        for node in proto.graph.node:
            node.op_type = {"Mul": "Add"}.get(node.op_type, node.op_type)
        kept.write_bytes(proto.SerializeToString())
    assert agrees(tracing.graph_of(model), model)
    assert traces == 2 * ["prepare", "answer"]
    assert agrees(tracing.graph_of(model), model)
    kept.write_bytes(b"no graph")
    assert agrees(tracing.graph_of(model), model)
    assert len(traces) == 5


def test_only_the_newest_architectures_are_kept(
    traces: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "KEPT", 2)
    for attribute in (2.0, 3.0):
        tracing.graph_of(model_of(Scale(attribute)))
    assert len(list(tmp_path.glob("graphs/*"))) == 2
    tracing.graph_of(model_of(Scale(3.0)))
    assert traces[2:] == ["answer", "prepare"]


def test_what_has_no_stable_value_is_traced_each_time(traces: list[str]) -> None:
    model = model_of(Scale(2.0))
    model.network.body.register_forward_hook(lambda *_: None)
    for _ in range(2):
        assert agrees(tracing.graph_of(model), model)
    assert traces == ["prepare", "answer", "answer"]


def test_a_cache_that_cannot_be_written_costs_no_graph(
    traces: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "file"))
    model = model_of(Scale(2.0))
    assert agrees(tracing.graph_of(model), model)
    assert traces == ["prepare", "answer"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.0, True),
        (1.0, 2.0, False),
        ({"a": (1, "b")}, {"a": (1, "b")}, True),
        ({"a": (1, "b")}, {"a": (1, "c")}, False),
        ({3, 1, 2}, {2, 3, 1}, True),
        (partial(scaled, by=2), partial(scaled, by=2), True),
        (partial(scaled, by=2), partial(scaled, by=3), False),
        (torch.ones(2), torch.ones(2), True),
        (torch.ones(2), torch.zeros(2), False),
        (torch.float16, torch.float32, False),
        (nn.ReLU, nn.GELU, False),
    ],
)
def test_keys_follow_attributes(one: object, other: object, same: bool) -> None:
    keys = [key_of(Scale(attribute)) for attribute in (one, other)]
    assert None not in keys
    assert (keys[0] == keys[1]) == same


@pytest.mark.parametrize("attribute", [lambda x: x, object(), iter(())])
def test_an_attribute_without_a_stable_value_gives_no_key(attribute: object) -> None:
    assert key_of(Scale(attribute)) is None


def test_keys_follow_shapes_names_and_classes() -> None:
    nets = [
        nn.Sequential(nn.Linear(4, 4)),
        nn.Sequential(nn.Linear(4, 5)),
        nn.Sequential(nn.Linear(4, 4, bias=False)),
        nn.Sequential(nn.Linear(4, 4), nn.ReLU()),
        nn.Sequential(nn.Linear(4, 4), nn.GELU()),
        nn.ModuleDict({"a": nn.Linear(4, 4)}),
        nn.ModuleDict({"b": nn.Linear(4, 4)}),
    ]
    keys = [key_of(net) for net in nets]
    assert None not in keys
    assert len(set(keys)) == len(nets)
    assert key_of(nn.Sequential(nn.Linear(4, 4))) == keys[0]


def test_old_runtimes_and_converters_take_the_graph(traces: list[str], tmp_path: Path) -> None:
    model = model_of(nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.GELU()))
    graph = tracing.graph_of(model)
    proto = onnx.load_model_from_string(graph)
    assert (proto.ir_version, [entry.version for entry in proto.opset_import]) == (8, [18])
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    values = [name for node in proto.graph.node for name in (*node.input, *node.output)]
    assert all(re.fullmatch(r"(\w[\w./]*)?", name) for name in (*names, *values))
    onnx.checker.check_model(proto, full_check=True)
    # It refused shapes of weights that contradicted the graph.
    (tmp_path / "graph.onnx").write_bytes(graph)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(tmp_path / "graph.onnx", tmp_path / "small.onnx")
    assert agrees((tmp_path / "small.onnx").read_bytes(), model, within=0.05)
