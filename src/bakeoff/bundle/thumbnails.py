"""Thumbnails of training pictures as files, to ship with a bundle."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.image import thumbnail

__all__ = ["SIDE", "thumbnail_file"]

SIDE = 96


def thumbnail_file(picture: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """A PNG of at most side×side, or a JPEG for a colour photo if that halves its size.

    Small pictures grow by a whole factor and keep their hard pixels, so that an 8×8 digit looks
    like the model's input; larger ones are averaged.

    Parameters
    ----------
    picture : H×W×C of uint8, C = 1 (grey) or 3 (RGB).
    side : the longer side of the result, in pixels.
    """
    image = thumbnail(picture, side, grow="whole")
    png = _encoded(image, "PNG", optimize=True)
    if image.mode == "L" or max(picture.shape[:2]) <= side:
        return png
    jpeg = _encoded(image, "JPEG", quality=85)
    return jpeg if len(jpeg) * 2 < len(png) else png


def _encoded(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()
