from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from bakeoff.bundle.answer import Answer
from bakeoff.bundle.bundle import Explanation
from bakeoff.bundle.neighbours import Neighbour
from bakeoff.bundle.occlusion import Occlusion
from bakeoff.bundle.sheet import SIDE, explanation_sheet

SEEN = np.full((16, 16, 1), 200, dtype=np.uint8)
ANSWER = Answer("7.png", "7", 0.98, "sure", ("7",), (("7", 0.98), ("1", 0.02)), 1.0)


def explained(drops: np.ndarray, neighbours: int = 0) -> Explanation:
    buffer = io.BytesIO()
    Image.new("L", (20, 30), 90).save(buffer, "PNG")
    near = Neighbour("seven", 0.9, buffer.getvalue())
    return Explanation(Occlusion("7", drops.astype(np.float32)), [near] * neighbours)


def panel(sheet: Image.Image, place: int) -> np.ndarray:
    left = 16 + (SIDE + 16) * place
    return np.asarray(sheet)[36 : 36 + SIDE, left : left + SIDE].astype(int)


def test_support_is_orange_and_evidence_against_is_blue() -> None:
    drops = np.zeros((14, 14))
    drops[2, 2], drops[11, 11] = 0.5, -0.5
    picture = np.full((28, 28, 1), 255, dtype=np.uint8)
    sheet = explanation_sheet("7.png", picture, {"cnn": (ANSWER, explained(drops), SEEN)})
    shown = panel(sheet, 1)
    red, _, blue = shown[40, 40]
    assert red > blue + 100
    red, _, blue = shown[184, 184]
    assert blue > red + 100
    assert len(set(shown[112, 112])) == 1  # grey where nothing mattered
    assert (panel(sheet, 0) == 255).all()


def test_every_model_has_a_panel_with_its_input_and_neighbours() -> None:
    picture = np.zeros((300, 40, 3), dtype=np.uint8)
    one = (ANSWER, explained(np.zeros((14, 2))), SEEN)
    plain = explanation_sheet("x" * 200, picture, {"a": one, "b": one})
    assert plain.width == 16 + 3 * (SIDE + 16)
    near = (ANSWER, explained(np.zeros((14, 2)), 5), SEEN)
    shown = explanation_sheet("x", picture, {"a": near})
    assert shown.height == plain.height
    below, left = 16 + 20 + SIDE + 6 + 2 * 20, 16 + SIDE + 16
    for sheet, neighbours in ((plain, 0), (shown, 2)):
        strip = np.asarray(sheet)[below : below + 64, left : left + SIDE]
        assert (strip[:, :64] == 200).all()
        assert (strip == 90).any(axis=(0, 2)).sum() == neighbours * 20  # pixels wide


def test_names_of_every_script_are_drawn() -> None:
    """Names, classes and neighbours; without a font all of them were the same boxes."""
    picture = np.zeros((8, 8, 1), dtype=np.uint8)
    sheets = []
    for name, label in (("犬.png", "犬"), ("猫.png", "犬"), ("犬.png", "猫")):
        answer = replace(ANSWER, label=label)
        model = (answer, explained(np.zeros((2, 2)), 1), SEEN)
        sheets.append(explanation_sheet(name, picture, {"模型": model}).tobytes())
    assert len(set(sheets)) == 3
