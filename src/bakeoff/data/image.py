"""Between arrays of pixels and Pillow's images: converting, packing as PNG, making smaller."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["averaged", "fitted", "on_white", "shrink", "thumbnail", "to_image", "to_png"]

BAND = 250_000  # pixels, laid on white in 2 ms


def on_white(image: Image.Image) -> Image.Image:
    """A transparent image as one of mode RGB, laid on white.

    A band of rows at a time: Pillow keeps Python's lock while it lays one image on another, and
    25 megapixels at once stopped every other thread, and so a server, for 200 ms or more.
    """
    flat = Image.new("RGB", image.size)
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        white = Image.new("RGBA", band.size, "white")
        flat.paste(Image.alpha_composite(white, band).convert("RGB"), (0, top))
    return flat


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of the same aspect ratio, the longer at most `side`.

    Halves are rounded to the even number, here and on the page.
    """
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


def averaged(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A larger image at `size`, averaged over areas.

    Along the rows first, then along the columns: in one call Pillow 13 swaps the two for tall
    pictures, which changes 0.8 % of the values by one. The page does the same, to the bit.
    """
    box = Image.Resampling.BOX
    return image.resize((size[0], image.height), box).resize(size, box)


def to_image(picture: NDArray[np.uint8]) -> Image.Image:
    """An array as an image of mode L, LA, RGB or RGBA.

    Parameters
    ----------
    picture : H×W, or H×W×C with C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA), of uint8.
    """
    grey = picture.ndim == 3 and picture.shape[2] == 1
    return Image.fromarray(picture[..., 0] if grey else picture)


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """An array as a PNG file.

    Parameters
    ----------
    picture : H×W, or H×W×C with C = 1 (grey) or 3 (RGB), of uint8.
    """
    buffer = io.BytesIO()
    to_image(picture).save(buffer, "PNG")
    return buffer.getvalue()


def thumbnail(
    picture: NDArray[np.uint8] | Image.Image,
    side: int,
    *,
    grow: Literal["never", "whole", "fill"] = "never",
) -> Image.Image:
    """A picture whose longer side is at most `side` pixels, in its own shape and mode.

    Larger pictures are averaged over areas (box filter). Smaller ones keep their hard pixels, so
    that an 8×8 digit looks like the model's input.

    Parameters
    ----------
    picture : H×W or H×W×C of uint8, or an image.
    side : in pixels.
    grow : what happens to smaller pictures. "never" leaves them as they are, "whole" repeats each
        pixel a whole number of times, "fill" scales the longer side to `side` exactly.
    """
    image = picture if isinstance(picture, Image.Image) else to_image(picture)
    longest = max(image.size)
    if grow == "fill":
        scale = side / longest
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        if scale < 1:
            return averaged(image, size)
        return image.resize(size, Image.Resampling.NEAREST)
    if longest > side:
        return averaged(image, fitted(image.width, image.height, side))
    if grow == "whole" and (factor := side // longest) > 1:
        size = (image.width * factor, image.height * factor)
        return image.resize(size, Image.Resampling.NEAREST)
    return image


def shrink(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """`thumbnail` for arrays: H×W×C, or the array itself if it is no larger than `side`."""
    if max(picture.shape[:2]) <= side:
        return picture
    small = thumbnail(picture, side)
    return np.asarray(small).reshape(small.height, small.width, -1)
