"""A picture made smaller before something that would be slow at its full size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["shrunk"]


def shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The H×W×C picture, by area averaging if its longer side has more than `side` pixels."""
    height, width, channels = picture.shape
    longest = max(height, width)
    if longest <= side:
        return picture
    size = (max(1, width * side // longest), max(1, height * side // longest))
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    return np.asarray(image.resize(size, Image.Resampling.BOX)).reshape(size[1], size[0], channels)
