"""Graphs of bundles: traced once, by whichever worker, and not taken for those of other weights."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from bakeoff.bundle import export
from bakeoff.bundle.bundle import find_bundles
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.run.bundles import final_model, make_bundle
from bakeoff.run.graphs import Graphs, kept_graph
from bakeoff.workers.units import FINAL

from ..strokes import QUICKLY, strokes


@pytest.fixture
def copy(finished: RunFolder, tmp_path: Path) -> RunFolder:
    """The finished run, to be changed."""
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is traced from now on."""
    models: list[object] = []
    graph_of = export.graph_of

    def listening(model: Any) -> bytes:
        models.append(model)
        return graph_of(model)

    monkeypatch.setattr(export, "graph_of", listening)
    return models


def test_a_run_keeps_the_graphs_of_its_bundles(finished: RunFolder) -> None:
    for name in finished.config.approaches:
        assert kept_graph(finished, name) == (finished.bundle(name) / "model.onnx").read_bytes()
    told = [event for event in finished.events() if event["event"] == "graph traced"]
    assert [(event["done"], event["of"]) for event in told] == [(1, 2), (2, 2)]


def test_a_bundle_is_made_again_without_tracing(
    copy: RunFolder, traced: list[object], tmp_path: Path
) -> None:
    out = make_bundle(copy, "cnn", tmp_path / "again")
    assert (out / "model.onnx").read_bytes() == (copy.bundle("cnn") / "model.onnx").read_bytes()
    heard: list[Mapping[str, Any]] = []
    resume(copy.path, dataset=strokes(), on_event=heard.append)
    assert not traced
    assert not any("graph" in event["event"] for event in heard)
    assert heard[-1]["event"] == "run finished"


def test_other_weights_have_another_graph(
    copy: RunFolder, traced: list[object], tmp_path: Path
) -> None:
    weights = "weights.safetensors"
    other = copy.unit("cnn", "fold 1") / weights
    shutil.copyfile(other, copy.unit("cnn", FINAL) / weights)
    assert kept_graph(copy, "cnn") is None
    out = make_bundle(copy, "cnn", tmp_path / "other")
    assert len(traced) == 1
    assert (out / "model.onnx").read_bytes() != (copy.bundle("cnn") / "model.onnx").read_bytes()


def test_the_largest_is_traced_first(copy: RunFolder) -> None:
    names = copy.config.approaches
    for name in names:
        shutil.rmtree(next(copy.unit(name, FINAL).parent.glob("graph *")))
    graphs = Graphs(copy, names, lambda *_, **__: None)
    assert graphs.left() == 2
    order = [unit.approach for unit in (graphs.next(None), graphs.next(None)) if unit]
    sizes = [
        sum(file.stat().st_size for file in copy.unit(name, FINAL).iterdir()) for name in order
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert graphs.next(None) is None


def test_two_workers_trace_the_same_graphs(finished: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path, ignore=shutil.ignore_patterns("graph *", "bundles"))
    assert kept_graph(run, "cnn") is None
    resume(run.path, dataset=strokes(), workers="local:2")
    for name in finished.config.approaches:
        assert kept_graph(run, name) == kept_graph(finished, name)


def test_an_approach_that_onnx_cannot_hold_costs_its_bundle_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = export._Exported.forward

    def undecided(self: export._Exported, pixels: Tensor) -> tuple[Tensor, ...]:
        answered = forward(self, pixels)
        return answered if answered[0].sum() > 0 else answered[::-1]

    monkeypatch.setattr(export._Exported, "forward", undecided)
    one = {"approaches": ("baseline",), "settings": {"": {"epochs": 2}}}
    asked: dict[str, Any] = QUICKLY | one | {"bundles": True}
    heard: list[Mapping[str, Any]] = []
    run = bake(strokes(), tmp_path / "run", **asked, on_event=heard.append)
    [refused] = [event for event in heard if event["event"] == "bundle refused"]
    assert "ONNX cannot hold it" in refused["why"]
    assert heard[-1]["event"] == "run finished"
    assert run.results().approaches[0].name == "baseline"
    assert not find_bundles(run.path)
    with pytest.raises(BakeoffError, match="the model's graph"):
        export.graph_of(final_model(run, "baseline"))
