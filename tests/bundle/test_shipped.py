"""Traces that come with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from bakeoff.approaches.approach import Task
from bakeoff.bundle import shipped, tracing
from bakeoff.bundle.architecture import form_of
from bakeoff.bundle.bundle import load
from bakeoff.bundle.graph import INPUT, OUTPUTS
from bakeoff.bundle.parts import Exported, Part
from bakeoff.run.bake import bake
from bakeoff.training.model import Model

from ..scripts import script
from ..strokes import strokes

make_traces = script("make_traces")


def test_the_package_has_the_traces_of_this_version() -> None:
    wanted = {form for form, *_ in make_traces.wanted()}
    missing, unused = wanted - shipped.shipped().keys(), shipped.shipped().keys() - wanted
    assert not missing, "run scripts/make_traces.py"
    assert not unused, "run scripts/make_traces.py"
    assert shipped.packed(shipped.shipped()) == shipped.SHIPPED.read_bytes()


@pytest.fixture
def new_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_first_model_to_answer_is_not_traced(
    new_machine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tracing, "trace_of", None)
    approach = make_traces.FIRST
    run = bake(strokes(), tmp_path / "run", approaches=[approach], folds=2, robustness=False)
    assert load(run.bundle(approach)).predict(list(strokes().pictures)[:3])
    assert not (new_machine / "graphs").exists()


@pytest.mark.parametrize("whole", make_traces.WHOLE, ids=lambda one: f"{one[0].mode} {one[1]}")
def test_nor_are_models_of_the_commonest_sets(
    new_machine: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[Task, str]
) -> None:
    monkeypatch.setattr(tracing, "trace_of", None)
    task, name = whole
    approach = make_traces.entry_of(name).load()()
    model: Model = make_traces.model_of(approach, replace(task, classes=7, pictures=300))
    graph = tracing.graph_of(model)
    pixels = torch.randint(0, 256, (2, 30, 20, 3), dtype=torch.uint8)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    [answered] = session.run([OUTPUTS[0]], {INPUT: pixels.numpy()})
    torch.testing.assert_close(torch.from_numpy(answered), model(pixels), atol=1e-5, rtol=0)
    assert not (new_machine / "graphs").exists()


@pytest.mark.parametrize("side", [28, 200])
def test_a_frozen_network_is_not_traced_for_any_common_size(
    new_machine: Path, monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    traced = []
    actual = tracing.trace_of

    def listening(part: Part, taken: list[torch.Tensor]) -> onnx.ModelProto:
        traced.append(part.name)
        return actual(part, taken)

    monkeypatch.setattr(tracing, "trace_of", listening)
    approach = make_traces.entry_of("transfer").load()()
    model = make_traces.model_of(approach, replace(make_traces.INK, side=side))
    graph = tracing.graph_of(model)
    pixels = torch.randint(0, 256, (2, 30, 20, 3), dtype=torch.uint8)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    [answered] = session.run([OUTPUTS[0]], {INPUT: pixels.numpy()})
    torch.testing.assert_close(torch.from_numpy(answered), model(pixels), atol=1e-5, rtol=0)
    assert traced == []


def test_a_shipped_trace_is_what_is_traced_here() -> None:
    approach = make_traces.entry_of(make_traces.FIRST).load()()
    exported = Exported(make_traces.model_of(approach, make_traces.INK))
    eye = next(part for part in exported.parts if part.name == "eye")
    values = exported.values(torch.zeros(tracing.EXAMPLE, dtype=torch.uint8))
    form = form_of(eye, *tracing.sizes_of(eye, exported))
    assert form is not None
    kept = onnx.load_model_from_string(shipped.shipped()[form])
    traced = tracing.trace_of(eye, [values[name].detach() for name in eye.takes])
    assert [node.op_type for node in kept.graph.node] == [n.op_type for n in traced.graph.node]
    assert kept.graph.input == traced.graph.input


def test_a_shipped_trace_that_answers_otherwise_is_not_used(
    new_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {}
    for form, data in shipped.shipped().items():
        trace = onnx.load_model_from_string(data)
        for node in trace.graph.node:
            node.op_type = {"Softmax": "Sigmoid"}.get(node.op_type, node.op_type)
            if node.op_type == "Sigmoid":
                del node.attribute[:]
        wrong[form] = trace.SerializeToString()
    monkeypatch.setattr(tracing, "shipped", lambda: wrong)
    traced = []

    approach = make_traces.entry_of(make_traces.FIRST).load()()
    model = make_traces.model_of(approach, make_traces.INK)
    exported = Exported(model)

    def listening(part: Part, taken: list[torch.Tensor]) -> onnx.ModelProto:
        traced.append(part.name)
        form = form_of(part, *tracing.sizes_of(part, exported))
        return onnx.load_model_from_string(shipped.shipped()[form or ""])

    monkeypatch.setattr(tracing, "trace_of", listening)
    tracing.graph_of(model)
    assert traced == ["prepare", "frozen", "eye", "answer"]
    assert len(list(new_machine.glob("graphs/*"))) == len(traced)
