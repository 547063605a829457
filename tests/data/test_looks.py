from __future__ import annotations

import numpy as np
import pytest

from bakeoff.data import pictures as pictures_module
from bakeoff.data.looks import Looks, looks_of
from bakeoff.data.pictures import Pictures
from bakeoff.data.validate import validate

from .pictures_made import drawing
from .test_validate import dataset


def test_drawings_in_dark_and_in_light_ink() -> None:
    drawings = np.stack([drawing(index) for index in range(500)])
    assert Pictures.from_array(drawings).looks == "ink is low"
    assert Pictures.from_array(255 - drawings).looks == "ink is high"
    assert Pictures.from_array(np.zeros((3, 4, 4), dtype=np.uint8)).looks == "ink is high"
    assert Pictures.from_array(np.full((3, 4, 4), 255, dtype=np.uint8)).looks == "ink is low"


def test_ink_in_colour_on_paper_is_ink() -> None:
    drawings = np.stack([drawing(index) for index in range(20)])
    colour = np.repeat(drawings[..., None], 3, axis=3)
    colour[..., 0][colour[..., 0] < 128] = 220
    assert Pictures.from_array(colour).looks == "ink is low"


def test_coarse_digits_with_blurred_edges_are_ink() -> None:
    digits = np.zeros((20, 8, 8), dtype=np.uint8)
    digits[:, 1:7, 3:6] = [120, 255, 150]
    digits[:, 1:7, 6] = 80
    assert Pictures.from_array(digits).looks == "ink is high"


def test_photos() -> None:
    random = np.random.default_rng(0)
    grain = random.integers(0, 64, (20, 32, 32, 1), dtype=np.uint8)
    light = np.linspace(0, 190, 32).astype(np.uint8)[:, None, None]
    assert Pictures.from_array(grain + light).looks == "photos"
    flat_but_coloured = np.broadcast_to(np.asarray([60, 110, 140], dtype=np.uint8), (9, 8, 8, 3))
    assert Pictures.from_array(flat_but_coloured).looks == "photos"


def test_looks_are_computed_once_for_a_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counting(pictures: Pictures, shapes: np.ndarray) -> Looks:
        calls.append(len(pictures))
        return looks_of(pictures, shapes)

    monkeypatch.setattr(pictures_module, "looks_of", counting)
    validated = validate(dataset([0, 1, 0, 1]))
    assert validated.description.endswith("dark on light")
    assert validated.pictures.looks == validated.pictures.looks == "ink is low"
    assert calls == [4]
    # A part of the pictures may look otherwise.
    assert validated.take(np.asarray([0, 1])).pictures.looks == "ink is low"
    assert calls == [4, 2]
