"""The script that trains the backbone for drawings, on a few strokes."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from bakeoff.training.compute import Compute
from bakeoff.training.sketch import load_sketch, load_sketch_head

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        return import_module("make_sketch_backbone")
    finally:
        sys.path.pop(0)


def lines(count: int) -> np.ndarray:
    """White lines on black, 28×28."""
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    for row, image in enumerate(images):
        image[4 + row % 20, 4:24] = 255
        image[6:22, 5 + row % 16] = 255
    return images


def test_both_sources_leave_out_the_reserved_classes(script: ModuleType, tmp_path: Path) -> None:
    names = ("carrot", "apple", "zigzag", "rainbow")
    images, labels = lines(12), np.repeat(np.arange(4), 3)
    np.savez(tmp_path / "some.npz", images=images, labels=labels, classes=np.array(names))
    (tmp_path / "bitmaps").mkdir()
    for number, name in enumerate(names):
        flat = images[labels == number].reshape(-1, 784)
        np.save(tmp_path / "bitmaps" / f"full_numpy_bitmap_{name}.npy", flat)
    one, two = (script.read(tmp_path / name, 2) for name in ("some.npz", "bitmaps"))
    for drawings in (one, two):
        assert drawings.classes == ("carrot", "zigzag")
        assert drawings.labels.tolist() == [0, 0, 1, 1]
        assert np.array_equal(drawings.images, images[[0, 1, 6, 7]])


def test_pens_are_those_of_the_page_and_drawings_differ(script: ModuleType) -> None:
    drawings = script.Drawings(lines(40), np.arange(40) % 2, ("a", "b"))
    first, again = (torch.stack([*script.drawn_again(drawings, 2, 3)]) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (3, 40, 1, 28, 28)
    assert all(not torch.equal(first[0], other) for other in first[1:])
    ink = first.float().mean((2, 3, 4)) / 255
    assert (ink > 0.005).all()  # nothing vanishes
    assert ink[1:].max() > 1.5 * ink[0].max()  # some pens are thick


def test_it_trains_and_writes_what_the_package_reads(script: ModuleType, tmp_path: Path) -> None:
    copies = torch.from_numpy(lines(512))[None, :, None].repeat(2, 1, 1, 1, 1)
    labels = torch.arange(512) % 2
    options = argparse.Namespace(epochs=1, seed=0, weight_decay=0.05, learning_rate=5e-3)
    torch.manual_seed(0)
    network, head = script.train(copies, labels, options, Compute("cpu", 1, bf16=False))
    script.write(tmp_path / "it.safetensors", network, head, ("a", "b"), {"epochs": 1})
    loaded, names = load_sketch_head(tmp_path / "it.safetensors")
    assert names == ("a", "b")
    assert torch.allclose(loaded.weight, head.weight, atol=1e-3)
    x = copies[0, :3].float() / 255
    with torch.inference_mode():
        torch.testing.assert_close(
            load_sketch(tmp_path / "it.safetensors")(x), network(x), atol=0.02, rtol=0.02
        )
