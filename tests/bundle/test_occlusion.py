from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.bundle.bundle import load
from bakeoff.bundle.occlusion import CELLS, SIDE, covered, occlusion_of
from bakeoff.record.folder import RunFolder

from ..strokes import strokes


def ink_at(top: int, left: int, size: int = 28) -> NDArray[np.uint8]:
    """White paper with a black square of 6×6."""
    picture = np.full((size, size, 1), 255, dtype=np.uint8)
    picture[top : top + 6, left : left + 6] = 0
    return picture


def ink_seen(copies: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A model whose first class is the share of a picture's ink that is still there."""
    ink = (copies < 128).sum((1, 2, 3)) / 36
    return np.stack([ink, 1 - ink], 1).astype(np.float32)


def test_the_ink_matters() -> None:
    picture = ink_at(4, 18)
    found = occlusion_of(picture, ink_seen(covered(picture)), ["ink", "none"])
    assert found.label == "ink"
    assert found.drops.shape == (14, 14)
    assert found.drops.max() == 1  # a cover of 3×3 cells hides all of it
    assert divmod(int(found.drops.argmax()), 14) == (3, 10)
    assert (found.drops[7:] == 0).all()
    assert (found.drops[:, :7] == 0).all()


def test_the_cover_is_paper() -> None:
    white, black = ink_at(4, 4), 255 - ink_at(4, 4)
    assert (covered(white) >= white).all()
    assert (covered(black) <= black).all()
    colour = np.broadcast_to(np.array([250, 240, 200], dtype=np.uint8), (30, 20, 3)).copy()
    assert (covered(colour) == colour).all()


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([1, 3]))
def test_any_shape_has_a_map_of_bounded_size(height: int, width: int, channels: int) -> None:
    picture = np.full((height, width, channels), 9, dtype=np.uint8)
    copies = covered(picture)
    assert len(copies) <= 1 + CELLS**2
    assert max(copies.shape[1:3]) <= SIDE
    drops = occlusion_of(picture, np.full((len(copies), 2), 0.5, np.float32), ["a", "b"]).drops
    assert drops.size == len(copies) - 1
    assert max(drops.shape) <= CELLS


def test_a_real_model_looks_at_the_drawing(finished: RunFolder) -> None:
    bundle = load(finished.bundle("cnn"))
    drawing = np.array(strokes(6).pictures[2])
    explained = bundle.explain(drawing)
    (answer,) = bundle.predict(drawing)
    assert explained.occlusion.label == answer.label
    assert explained.neighbours == []
    first = bundle.run(covered(drawing))[0]
    expected = first[0].max() - first[1:, first[0].argmax()]
    np.testing.assert_allclose(explained.occlusion.drops.reshape(-1), expected, atol=1e-5)
    assert explained.occlusion.drops.max() == pytest.approx(expected.max(), abs=1e-5)
