"""Pictures in colour that come as rows of numbers: pixel by pixel, or one plane after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLE", "are_planes", "from_planes"]

SAMPLE = 200  # rows are enough


def are_planes(rows: NDArray[Any], shape: tuple[int, int, int]) -> bool:
    """Whether rows hold all of red, then green, then blue, as CIFAR's do; else red, green, blue.

    In the right order neighbouring pixels differ less. In the wrong one they differ 2.1 to 5.0
    times as much in photos of 16 to 64 pixels, and 1.14 to 1.9 times in scanned drawings, whose
    colours are alike. Noise, which has no order, is taken pixel by pixel.

    Parameters
    ----------
    rows : N×(H·W·C).
    shape : H, W and C.
    """
    if shape[2] == 1 or not len(rows):
        return False
    rows = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE].astype(np.float32)
    by_pixel = rows.reshape(-1, *shape)
    return _roughness(from_planes(rows, shape)) < 0.95 * _roughness(by_pixel)


def from_planes(values: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """N rows, or N×C×…, of one plane after another, as N×H×W×C."""
    height, width, channels = shape
    planes = values.reshape(len(values), channels, height, width)
    return np.moveaxis(planes, 1, -1)


def _roughness(pictures: NDArray[np.float32]) -> float:
    """How much neighbouring pixels differ, on average."""
    down = np.abs(np.diff(pictures, axis=1)).mean()
    across = np.abs(np.diff(pictures, axis=2)).mean()
    return float(down + across)
