"""Small versions of pictures, and the choice of those that the page carries."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SIDE", "Embedded", "embed", "thumbnail"]

SIDE = 96
# A report that people mail has to stay under some 15 MB; pictures may take most of it.
BUDGET = 9_000_000

_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


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


@dataclass(frozen=True, slots=True)
class Embedded:
    """One thumbnail as the page holds it: its data URI, and where it lies in its square."""

    index: int
    uri: str
    x: float
    y: float
    width: float
    height: float


def embed(
    thumbnails: Mapping[int, bytes], wanted: Iterable[int], budget: int = BUDGET
) -> dict[int, Embedded]:
    """The `wanted` thumbnails, the most important first, until `budget` characters are spent.

    Each is embedded once, however often the page shows it.

    Raises
    ------
    ValueError
        Where a thumbnail is neither PNG nor JPEG.
    """
    chosen: dict[int, Embedded] = {}
    for index in wanted:
        if index in chosen or index not in thumbnails:
            continue
        one = _embedded(index, thumbnails[index])
        budget -= len(one.uri)
        if budget < 0:
            break
        chosen[index] = one
    return chosen


def _embedded(index: int, data: bytes) -> Embedded:
    kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
    if kind is None:
        raise ValueError(f"the thumbnail of row {index} is neither PNG nor JPEG")
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        width, height = image.size
    # One picture pixel per screen pixel where it about fits: a 28×28 digit grown
    # to 84 stays crisp in its square of 96. Only what is far off is scaled.
    longest = max(width, height)
    scale = 1.0 if SIDE / 2 < longest <= SIDE else SIDE / longest
    return Embedded(
        index=index,
        uri=f"data:{kind};base64,{base64.b64encode(data).decode()}",
        x=round((SIDE - width * scale) / 2, 2),
        y=round((SIDE - height * scale) / 2, 2),
        width=round(width * scale, 2),
        height=round(height * scale, 2),
    )


def _encoded(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()
