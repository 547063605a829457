"""One picture, and what each model says of it and why, drawn on a sheet."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bakeoff.bundle.answer import Answer
from bakeoff.bundle.bundle import Explanation
from bakeoff.bundle.occlusion import Occlusion

__all__ = ["explanation_sheet"]

SIDE = 224  # of a picture
SMALL = 64  # of a training picture
GAP = 16
LINE = 20
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 36), (110, 110, 120)
HELPED, HURT = (214, 84, 0), (0, 98, 196)  # told apart by all kinds of colour sight
LEAST = 0.02  # of a probability: a drop below this is not worth full colour


def explanation_sheet(
    name: str,
    picture: NDArray[np.uint8],
    models: Mapping[str, tuple[Answer, Explanation, NDArray[np.uint8]]],
) -> Image.Image:
    """A picture with its name, then a panel for each model.

    In a panel, orange is what the answer rests on, blue what spoke against it; below it what the
    model saw, and the training pictures most like this one, if the bundle has any.

    Parameters
    ----------
    picture : H×W×C.
    models : name to what it said, why, and what it saw as S×S×C.
    """
    height = GAP + LINE + SIDE + 2 * LINE + SMALL + LINE + GAP + GAP
    sheet = Image.new("RGB", (GAP + (SIDE + GAP) * (1 + len(models)), height), PAPER)
    draw = ImageDraw.Draw(sheet)
    _text(draw, GAP, GAP, name, INK)
    grey = _fitted(picture)
    sheet.paste(grey, _centred(GAP, grey))
    for place, (model, (answer, explained, seen)) in enumerate(models.items(), start=1):
        left = GAP + (SIDE + GAP) * place
        _text(draw, left, GAP, model, INK)
        panel = _heated(grey, explained.occlusion)
        sheet.paste(panel, _centred(left, panel))
        under = GAP + LINE + SIDE + 6
        _text(draw, left, under, f"{answer.label}  {answer.probability:.1%}", INK)
        _text(draw, left, under + LINE - 2, answer.words, FAINT)
        shown = [("it sees", _fitted(seen, SMALL))]
        shown += [(one.label, _opened(one.picture)) for one in explained.neighbours]
        for turn, (label, small) in enumerate(shown[: (SIDE + GAP // 2) // (SMALL + GAP // 2)]):
            x, y = left + turn * (SMALL + GAP // 2), under + 2 * LINE
            sheet.paste(small, (x + (SMALL - small.width) // 2, y + (SMALL - small.height) // 2))
            _text(draw, x, y + SMALL + 2, label, FAINT, SMALL)
    return sheet


def _opened(picture: bytes) -> Image.Image:
    """A training picture, in colour, neither side longer than `SMALL`."""
    with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as image:
        small = image.convert("RGB")
    small.thumbnail((SMALL, SMALL))
    return small


def _fitted(picture: NDArray[np.uint8], side: int = SIDE) -> Image.Image:
    """In colour, its longer side `side`."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST)


def _heated(image: Image.Image, occlusion: Occlusion) -> Image.Image:
    """The picture in pale grey under the map."""
    largest = max(float(np.abs(occlusion.drops).max()), LEAST)
    strength = Image.fromarray((occlusion.drops / largest).astype(np.float32))
    strong = np.asarray(strength.resize(image.size, Image.Resampling.BILINEAR))[..., None]
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None] * 0.6 + 90
    colour = np.where(strong > 0, np.array(HELPED), np.array(HURT)).astype(np.float32)
    share = np.abs(strong).clip(0, 1) * 0.8
    return Image.fromarray((grey * (1 - share) + colour * share).clip(0, 255).astype(np.uint8))


def _centred(left: int, image: Image.Image) -> tuple[int, int]:
    return left + (SIDE - image.width) // 2, GAP + LINE + (SIDE - image.height) // 2


def _text(
    draw: ImageDraw.ImageDraw,
    x: int,
    y: int,
    text: str,
    colour: tuple[int, int, int],
    width: int = SIDE,
) -> None:
    """A line, cut where it would be wider than `width`."""
    font = ImageFont.load_default(14)
    if draw.textlength(text, font=font) > width:
        while text and draw.textlength(f"{text}…", font=font) > width:
            text = text[:-1]
        text += "…"
    draw.text((x, y), text, fill=colour, font=font)
