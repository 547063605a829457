"""A confusion matrix too large for numbers, as a picture."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["heatmap"]

# The style sheet's colours for right and wrong answers, legible on light and dark.
RIGHT, WRONG = (0x5B, 0x8D, 0xB8), (0xD9, 0x5F, 0x0E)


def heatmap(confusion: NDArray[np.int64]) -> str:
    """A data URI of a PNG with one pixel per cell, K×K; row the truth, column the answer.

    Opacity is the square root of the share of the row, lifted so that a
    single mistake among a hundred is still seen.
    """
    rows = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    share = np.sqrt(confusion / rows)
    opacity = np.where(confusion > 0, 0.25 + 0.75 * share, 0)
    pixels = np.empty((*confusion.shape, 4), dtype=np.uint8)
    pixels[..., :3] = WRONG
    pixels[np.arange(len(pixels)), np.arange(len(pixels)), :3] = RIGHT
    pixels[..., 3] = np.rint(255 * opacity)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
