from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save

from bakeoff.bundle.bundle import load
from bakeoff.bundle.neighbours import FILE, Neighbours
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import make_bundle

from ..strokes import CLASSES, strokes

SOME = Neighbours(
    np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]),
    np.array([0, 1, 1]),
    [b"\x89PNG one", b"\xff\xd8\xfftwo", b"\x89PNG three"],
)


def parts() -> dict[str, np.ndarray]:
    return {
        "embeddings": np.zeros((2, 4), np.float16),
        "labels": np.zeros(2, np.int64),
        "sizes": np.array([3, 1]),
        "thumbnails": np.zeros(4, np.uint8),
    }


def test_embeddings_are_stored_in_their_order_however_they_lie_in_memory() -> None:
    wanted = np.random.default_rng(0).normal(size=(3, 4))
    columns = np.asfortranarray(wanted)
    part = np.repeat(wanted, 2, axis=0)[::2]
    reversed_twice = np.ascontiguousarray(wanted[::-1])[::-1]
    for embeddings in (columns, part, reversed_twice, wanted.T.copy().T):
        one = Neighbours(embeddings, np.array([0, 1, 1]), SOME.thumbnails)
        again = Neighbours.from_bytes(one.to_bytes(), classes=2, width=4)
        lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
        np.testing.assert_allclose(again.embeddings, wanted / lengths, atol=2e-3)


@pytest.fixture(scope="module")
def shipped(finished: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with neighbours."""
    out = tmp_path_factory.mktemp("shipped") / "cnn"
    return make_bundle(finished, "cnn", out, neighbours=True, dataset=strokes())


def test_the_nearest_point_the_same_way() -> None:
    found = SOME.nearest(np.array([0.9, 1.0]), 2, ["a", "b"])
    assert [one.picture for one in found] == [b"\x89PNG three", b"\xff\xd8\xfftwo"]
    assert [one.label for one in found] == ["b", "b"]
    assert found[0].likeness == pytest.approx(1.9 / np.sqrt(2 * 1.81), abs=1e-3)
    assert found[0].uri.startswith("data:image/png;base64,")
    assert found[1].uri.startswith("data:image/jpeg;base64,")
    assert len(SOME.nearest(np.ones(2), 50, ["a", "b"])) == len(SOME) == 3


def test_a_written_file_can_be_read() -> None:
    again = Neighbours.from_bytes(SOME.to_bytes(), classes=2, width=2)
    assert again.thumbnails == SOME.thumbnails
    np.testing.assert_array_equal(again.labels, SOME.labels)
    np.testing.assert_allclose(again.embeddings, SOME.embeddings, atol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.array([0, 9])},
        {"labels": np.array([0, -1])},
        {"labels": np.zeros(3, np.int64)},
        {"labels": np.zeros((2, 1), np.int64)},
        {"labels": np.zeros(2, np.float32)},
        {"embeddings": np.zeros((2, 5), np.float16)},
        {"embeddings": np.full((2, 4), np.nan, np.float16)},
        {"sizes": np.array([5, 1])},
        {"sizes": np.array([5, -1])},
        {"sizes": np.array([2**62, 2**62])},
        {"thumbnails": np.zeros(4, np.float32)},
    ],
)
def test_inconsistent_arrays_are_refused(change: dict[str, np.ndarray]) -> None:
    Neighbours.from_bytes(save(parts()), classes=2, width=4)
    with pytest.raises(ValueError, match="fit together"):
        Neighbours.from_bytes(save(parts() | change), classes=2, width=4)


@given(st.binary(max_size=300))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Neighbours.from_bytes(data, classes=2, width=4)


def test_a_bundle_shows_similar_training_pictures(shipped: Path, finished: RunFolder) -> None:
    bundle = load(shipped)
    assert bundle.neighbours is not None
    test_rows = finished.probabilities()["test_rows"]
    assert len(test_rows) == 12
    assert len(bundle.neighbours) == 60 - len(test_rows)  # the locked test stays out
    row = int(np.setdiff1d(np.arange(60), test_rows)[0])
    near = bundle.explain(np.array(strokes().pictures[row]), neighbours=3).neighbours
    assert len(near) == 3
    assert near[0].label == CLASSES[strokes().labels[row]]
    assert near[0].likeness > 0.999  # itself
    with Image.open(io.BytesIO(near[0].picture)) as image:
        shown = np.asarray(image)[:: image.height // 12, :: image.width // 12]
    np.testing.assert_array_equal(shown, strokes().pictures[row][..., 0])
    assert "training pictures" in (shipped / "README.md").read_text()


def test_nothing_is_shipped_by_default(finished: RunFolder) -> None:
    assert load(finished.bundle("cnn")).neighbours is None
    assert not (finished.bundle("cnn") / FILE).exists()


def test_a_damaged_file_is_refused(shipped: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shipped, tmp_path / "cnn"))
    data = (copy / FILE).read_bytes()
    (copy / FILE).write_bytes(data[:-1])
    with pytest.raises(BakeoffError, match="checksum"):
        load(copy)
    manifest = json.loads((copy / "bundle.json").read_text())
    bad = save(parts())
    manifest["files"][FILE] = {"bytes": len(bad), "sha256": hashlib.sha256(bad).hexdigest()}
    (copy / FILE).write_bytes(bad)
    (copy / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BakeoffError, match="fit together"):
        load(copy)
