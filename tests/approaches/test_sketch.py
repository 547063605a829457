"""The backbone for drawings: what it costs, what it never saw, and what it is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.linear_model import LogisticRegression
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.approaches.transfer import SKETCH_WEIGHTS
from bakeoff.data.catalog import load_named
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sketch import FEATURES, SketchNet, load_sketch, load_sketch_head

STRANGERS = ("airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow")


@pytest.fixture(scope="module")
def network() -> SketchNet:
    return load_sketch(SKETCH_WEIGHTS)


def test_it_is_small() -> None:
    assert SKETCH_WEIGHTS.stat().st_size <= 2_000_000
    with safe_open(SKETCH_WEIGHTS, framework="pt") as file:
        kinds = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
        assert kinds == {torch.float16, torch.int64}  # the latter count batches
        assert "CC BY 4.0" in file.metadata()["data"]
    assert "CC BY 4.0" in (SKETCH_WEIGHTS.parent / "ATTRIBUTION.md").read_text()


def test_it_takes_few_multiplications(network: SketchNet) -> None:
    head, _ = load_sketch_head(SKETCH_WEIGHTS)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        head(network(torch.rand(1, 1, 28, 28)))
    assert counter.get_total_flops() / 2 <= 10e6


@pytest.mark.parametrize("side", [20, 28, 29, 36, 64, 130])
def test_pictures_may_have_any_size(network: SketchNet, side: int) -> None:
    with torch.inference_mode():
        features = network(torch.rand(2, 1, side, side))
    assert features.shape == (2, FEATURES)
    assert features.isfinite().all()


def test_reserved_classes_never_trained_it() -> None:
    _, names = load_sketch_head(SKETCH_WEIGHTS)
    assert len(names) == len(set(names)) == 345 - 18
    assert not set(names) & {*load_named("doodles").classes, *STRANGERS}
    assert {"The Eiffel Tower", "carrot", "zigzag"} <= set(names)


def test_its_graph_gives_the_same_features(network: SketchNet, tmp_path: Path) -> None:
    import onnxruntime

    every = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        network,
        (torch.rand(2, 1, 28, 28),),
        dynamo=True,
        opset_version=18,
        dynamic_shapes=({0: every},),
        verbose=False,
    )
    assert program is not None
    program.save(str(tmp_path / "sketch.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "sketch.onnx")
    x = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        expected = network(x).numpy()
    (features,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_five_drawings_a_class_are_enough_for_a_linear_head(network: SketchNet) -> None:
    doodles = load_named("doodles")
    pixels = np.concatenate([pixels for _, pixels in doodles.pictures.batches(2000)])
    preprocess = Preprocess(mode="ink", size=28).eval()
    with torch.inference_mode():
        x = preprocess(torch.from_numpy(pixels))
        features = torch.cat([network(part) for part in x.split(250)]).numpy()
    shares = {
        "features": _right_of(features, doodles.labels),
        "pixels": _right_of(x.flatten(1).numpy(), doodles.labels),
    }
    assert shares["features"] > 0.78, shares
    assert shares["features"] > shares["pixels"] + 0.2, shares


def _right_of(x: np.ndarray, labels: np.ndarray) -> float:
    """Share of the others that a linear head names after five drawings a class."""
    random = np.random.default_rng(0)
    orders = [random.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    train = np.concatenate([order[:5] for order in orders])
    others = np.concatenate([order[5:] for order in orders])
    scaled = (x - x[train].mean(0)) / (x[train].std(0) + 0.01 * x[train].std() + 1e-6)
    head = LogisticRegression(C=0.01, max_iter=300).fit(scaled[train], labels[train])
    return float((head.predict(scaled[others]) == labels[others]).mean())
