"""An image that shows one picture with the answer of each model and its explanation."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bakeoff.bundle.answer import Answer
from bakeoff.bundle.bundle import Explanation
from bakeoff.bundle.lettering import draw_line
from bakeoff.bundle.occlusion import Occlusion
from bakeoff.data.image import thumbnail, to_image

__all__ = ["explanation_sheet"]

SIDE = 224  # pixels, of the picture
SMALL = 64  # pixels, of a training picture
GAP = 16
LINE = 20
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 36), (110, 110, 120)
HELPED, HURT = (214, 84, 0), (0, 98, 196)  # distinguishable with every kind of colour vision
LEAST = 0.02  # a drop of probability below this never gets the full colour


def explanation_sheet(
    name: str,
    picture: NDArray[np.uint8],
    models: Mapping[str, tuple[Answer, Explanation, NDArray[np.uint8]]],
) -> Image.Image:
    """Draw a picture with its name, then a panel for each model.

    In a panel, orange marks the parts that support the answer and blue those against it. Below
    are the network's input and the most similar training pictures, if the bundle has any.

    Parameters
    ----------
    picture : H×W×C.
    models : by name, the answer, its explanation, and the network's input as S×S×C.
    """
    height = GAP + LINE + SIDE + 2 * LINE + SMALL + LINE + GAP + GAP
    sheet = Image.new("RGB", (GAP + (SIDE + GAP) * (1 + len(models)), height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw_line(draw, GAP, GAP, name, INK, SIDE)
    scaled = _fitted(picture)
    sheet.paste(scaled, _centred(GAP, scaled))
    for place, (model, (answer, explained, seen)) in enumerate(models.items(), start=1):
        left = GAP + (SIDE + GAP) * place
        draw_line(draw, left, GAP, model, INK, SIDE)
        panel = _heated(scaled, explained.occlusion)
        sheet.paste(panel, _centred(left, panel))
        under = GAP + LINE + SIDE + 6
        draw_line(draw, left, under, f"{answer.label}  {answer.probability:.1%}", INK, SIDE)
        draw_line(draw, left, under + LINE - 2, answer.words, FAINT, SIDE)
        shown = [("input", _fitted(seen, SMALL))]
        shown += [(near.label, _opened(near.picture)) for near in explained.neighbours]
        for column, (label, small) in enumerate(shown[: (SIDE + GAP // 2) // (SMALL + GAP // 2)]):
            x, y = left + column * (SMALL + GAP // 2), under + 2 * LINE
            sheet.paste(small, (x + (SMALL - small.width) // 2, y + (SMALL - small.height) // 2))
            draw_line(draw, x, y + SMALL + 2, label, FAINT, SMALL)
    return sheet


def _opened(picture: bytes) -> Image.Image:
    """A training picture in RGB, its longer side at most `SMALL`."""
    with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as image:
        small = image.convert("RGB")
    small.thumbnail((SMALL, SMALL))
    return small


def _fitted(picture: NDArray[np.uint8], side: int = SIDE) -> Image.Image:
    """The picture in RGB, scaled so that its longer side is `side`."""
    return thumbnail(to_image(picture).convert("RGB"), side, grow="fill")


def _heated(image: Image.Image, occlusion: Occlusion) -> Image.Image:
    """The occlusion map over the picture in pale grey."""
    largest = max(float(np.abs(occlusion.drops).max()), LEAST)
    strength = Image.fromarray((occlusion.drops / largest).astype(np.float32))
    signed = np.asarray(strength.resize(image.size, Image.Resampling.BILINEAR))[..., None]
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None] * 0.6 + 90
    colour = np.where(signed > 0, np.array(HELPED), np.array(HURT)).astype(np.float32)
    share = np.abs(signed).clip(0, 1) * 0.8
    return Image.fromarray((grey * (1 - share) + colour * share).clip(0, 255).astype(np.uint8))


def _centred(left: int, image: Image.Image) -> tuple[int, int]:
    return left + (SIDE - image.width) // 2, GAP + LINE + (SIDE - image.height) // 2
