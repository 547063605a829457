"""Graphs of bundles: made once, by any worker, and never used for other weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bakeoff.bundle import export, tracing
from bakeoff.bundle.bundle import find_bundles
from bakeoff.errors import BakeoffError
from bakeoff.record.events import (
    ApproachScored,
    BundleRefused,
    Event,
    GraphTraced,
    RunFinished,
)
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.run.bundles import final_model, make_bundle
from bakeoff.training.model import Network
from bakeoff.workers.graph import kept_graph
from bakeoff.workers.units import FINAL

from ..strokes import QUICKLY, strokes


@pytest.fixture
def copy(finished: RunFolder, tmp_path: Path) -> RunFolder:
    """The finished run, to be changed."""
    return RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The models whose graphs are made from now on."""
    models: list[object] = []
    graph_of = tracing.graph_of

    def listening(model: Any) -> bytes:
        models.append(model)
        return graph_of(model)

    monkeypatch.setattr(export, "graph_of", listening)
    return models


def test_a_run_keeps_the_graphs_of_its_bundles(finished: RunFolder) -> None:
    for name in finished.config.names:
        assert kept_graph(finished, name) == (finished.bundle(name) / "model.onnx").read_bytes()
    events = [event for event in finished.events() if isinstance(event, GraphTraced)]
    assert [(event.done, event.of) for event in events] == [(1, 2), (2, 2)]


def test_a_bundle_is_made_again_without_tracing(
    copy: RunFolder, traced: list[object], tmp_path: Path
) -> None:
    out = make_bundle(copy, "cnn", tmp_path / "again")
    assert (out / "model.onnx").read_bytes() == (copy.bundle("cnn") / "model.onnx").read_bytes()
    events: list[Event] = []
    resume(copy.path, dataset=strokes(), on_event=events.append)
    assert not traced
    assert not any(isinstance(event, GraphTraced) for event in events)
    assert isinstance(events[-1], RunFinished)


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


def test_two_workers_trace_the_same_graphs(finished: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path, ignore=shutil.ignore_patterns("graph *", "bundles"))
    assert kept_graph(run, "cnn") is None
    resume(run.path, dataset=strokes(), workers="local:2")
    for name in finished.config.names:
        assert kept_graph(run, name) == kept_graph(finished, name)


def test_an_approach_that_onnx_cannot_hold_costs_only_its_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed_and_score = Network.embed_and_score

    def undecided(self: Network, *given: Tensor) -> tuple[Tensor, ...]:
        answered = embed_and_score(self, *given)
        exporting = torch.compiler.is_exporting()
        return answered[::-1] if exporting and answered[0].sum() > 0 else answered

    monkeypatch.setattr(Network, "embed_and_score", undecided)
    # Its own architecture, which no other test has traced.
    settings = {"": {"epochs": 2}, "baseline": {"cells": 3}}
    one = {"approaches": ("baseline",), "settings": settings}
    options: dict[str, Any] = QUICKLY | one | {"bundles": True}
    events: list[Event] = []
    run = bake(strokes(), tmp_path / "run", **options, on_event=events.append)
    [refused] = [event for event in events if isinstance(event, BundleRefused)]
    assert "ONNX cannot express it" in refused.why
    [scored] = [event for event in events if isinstance(event, ApproachScored)]
    assert (scored.accuracy is not None, scored.bundle) == (True, None)
    assert isinstance(events[-1], RunFinished)
    assert run.results().approaches[0].name == "baseline"
    assert not find_bundles(run.path)
    with pytest.raises(BakeoffError, match="the model's graph"):
        tracing.graph_of(final_model(run, "baseline"))
