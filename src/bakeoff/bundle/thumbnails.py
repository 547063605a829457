"""Small versions of training pictures, to ship with a bundle."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SIDE", "thumbnail"]

SIDE = 96


def thumbnail(picture: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """A PNG (or, for a colour photo that is far smaller so, a JPEG) of at most side×side.

    Small pictures grow by a whole factor and keep their hard pixels, so that
    an 8×8 digit looks like what the model was given; larger ones are averaged.

    Parameters
    ----------
    picture : H×W×C of uint8, C = 1 (grey) or 3 (RGB).
    side : the longest side of the result, in pixels.
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    longest = max(image.size)
    if longest > side:
        size = (max(1, image.width * side // longest), max(1, image.height * side // longest))
        image = image.resize(size, Image.Resampling.BOX)
    elif (factor := side // longest) > 1:
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.NEAREST)
    png = _encoded(image, "PNG", optimize=True)
    if image.mode == "L" or longest <= side:
        return png
    jpeg = _encoded(image, "JPEG", quality=85)
    return jpeg if len(jpeg) * 2 < len(png) else png


def _encoded(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()
