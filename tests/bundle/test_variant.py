from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bakeoff.bundle import export as exporting
from bakeoff.bundle.bundle import load
from bakeoff.bundle.variant import Kind, smaller
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import make_bundle

from ..strokes import strokes

PIXELS = np.stack(list(strokes(40, seed=5).pictures))


@pytest.mark.parametrize(("kind", "off"), [("fp16", 2e-3), ("int8", 0.1)])
def test_smaller_weights_give_almost_the_same_answers(
    finished: RunFolder, tmp_path: Path, kind: Kind, off: float
) -> None:
    full = load(finished.bundle("cnn"))
    small = load(make_bundle(finished, "cnn", tmp_path / "cnn", variant=kind, dataset=strokes()))
    assert small.graph_bytes < full.graph_bytes
    wanted, strange, _ = full.run(PIXELS)
    given, stranger, _ = small.run(PIXELS)
    assert 0 < np.abs(given - wanted).max() < off
    np.testing.assert_allclose(stranger, strange, rtol=0.2)
    np.testing.assert_array_equal(small.seen(PIXELS), full.seen(PIXELS))  # nothing of it is rounded


def test_a_variant_is_described_and_verifies_its_own_answers(
    finished: RunFolder, tmp_path: Path
) -> None:
    path = make_bundle(finished, "cnn", tmp_path / "small", variant="fp16", dataset=strokes())
    bundle = load(path)
    found = bundle.manifest.variant
    assert found is not None
    assert found.kind == "fp16"
    assert found.pictures == 60
    assert found.agreement == 1
    assert found.bytes == (path / "model.onnx").stat().st_size
    assert found.full_bytes == (finished.bundle("cnn") / "model.onnx").stat().st_size
    assert min(found.milliseconds, found.full_milliseconds) > 0
    assert bundle.verify().same
    assert "stored in fp16" in (path / "README.md").read_text()
    assert not (path / "model.safetensors").exists()  # it would be larger than the rest


def test_only_trained_weights_are_rounded(finished: RunFolder) -> None:
    graph = (finished.bundle("cnn") / "model.onnx").read_bytes()
    before = {one.name: one for one in onnx.load_model_from_string(graph).graph.initializer}
    after = onnx.load_model_from_string(smaller(graph, "int8")).graph
    names = {one.name for one in after.initializer}
    rounded = set(before) - names
    assert rounded
    assert all(name.startswith("model.network.body") for name in rounded)
    assert {f"{name}.int8" for name in rounded} <= names
    assert any("network.ood" in name for name in names)


def test_a_variant_with_other_answers_is_not_exported(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(graph: bytes, _: Kind) -> bytes:
        """A graph that mostly ignores the picture."""
        model = onnx.load_model_from_string(graph)
        (head,) = (
            one for one in model.graph.initializer if one.name == "model.network.head.weight"
        )
        head.raw_data = bytes(len(head.raw_data))
        data: bytes = model.SerializeToString()
        return data

    monkeypatch.setattr(exporting, "smaller", spoiled)
    with pytest.raises(BakeoffError, match=r"on 33\.33% of 60 pictures") as refused:
        make_bundle(finished, "baseline", tmp_path / "small", variant="int8", dataset=strokes())
    assert "fp16" in refused.value.hint
    assert not (tmp_path / "small").exists()


def test_missing_pictures_are_named(finished: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="strokes"):
        make_bundle(finished, "cnn", tmp_path / "small", variant="int8")
    make_bundle(finished, "cnn", tmp_path / "plain")
