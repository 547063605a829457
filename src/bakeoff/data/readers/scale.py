"""Numbers of any scale to pixels of uint8, and flat rows to pictures."""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["picture_shape", "scale_for", "to_pixels"]

# 65 535 = 257 × 255, so that black stays black and white stays white.
_SIXTEEN_BITS = 257


def scale_for(highest: float) -> float | None:
    """Factor that brings numbers from 0 to `highest` to 0–255; None where there is none.

    Up to 1 they are shares of white (or ink), up to 255 bytes, up to 65 535 sixteen bits.
    """
    if 0 < highest <= 1:
        return 255.0
    if highest <= 255:
        return 1.0
    if highest <= 65535:
        return 1 / _SIXTEEN_BITS
    return None


def to_pixels(values: NDArray[np.number], factor: float) -> NDArray[np.uint8]:
    """`values` × `factor`, rounded to the nearest byte. They must lie in range."""
    pixels: NDArray[np.uint8] = np.rint(values * np.float32(factor)).astype(np.uint8)
    return pixels


def picture_shape(count: int, *, smallest_colour: int = 2) -> tuple[int, int, int] | None:
    """Height, width and channels of a square picture of `count` numbers, or None.

    Grey is tried before RGB; no count is both. In RGB the channels come last.

    Parameters
    ----------
    count : numbers in one row.
    smallest_colour : the least side that is believed to be RGB.
    """
    for channels, smallest in ((1, 2), (3, smallest_colour)):
        side = isqrt(count // channels)
        if side >= smallest and side * side * channels == count:
            return side, side, channels
    return None
