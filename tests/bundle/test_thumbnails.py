from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bakeoff.bundle.thumbnails import SIDE, thumbnail_file


def opened(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("side", "factor"), [(8, 12), (28, 3), (50, 1), (96, 1)])
def test_small_pictures_keep_their_pixels(side: int, factor: int) -> None:
    picture = noise(side, side, 1)
    shown = opened(thumbnail_file(picture))
    assert np.array_equal(shown, np.kron(picture[..., 0], np.ones((factor, factor), np.uint8)))


def test_large_pictures_are_averaged() -> None:
    picture = np.zeros((192, 384, 1), dtype=np.uint8)
    picture[::2] = 200
    shown = opened(thumbnail_file(picture))
    assert shown.shape == (48, 96)
    assert np.all(shown == 100)


@pytest.mark.parametrize("shape", [(1, 5000, 1), (5000, 1, 3), (1, 1, 1)])
def test_no_side_vanishes(shape: tuple[int, ...]) -> None:
    height, width = opened(thumbnail_file(noise(*shape))).shape[:2]
    assert 1 <= min(height, width) <= max(height, width) <= SIDE


def test_a_photo_may_become_a_jpeg_and_a_flat_picture_stays_a_png() -> None:
    # Sensor noise, as in any photo, which PNG cannot compress.
    photo = np.full((400, 300, 3), 128, dtype=np.uint8) + noise(400, 300, 3) // 4
    assert thumbnail_file(photo).startswith(b"\xff\xd8\xff")
    assert thumbnail_file(np.full((400, 300, 3), 7, dtype=np.uint8)).startswith(b"\x89PNG")
    assert thumbnail_file(noise(400, 300, 1)).startswith(b"\x89PNG")
