"""Synthetic pictures that check whether a bundle gives the same answers on another machine.

They are drawn by arithmetic: a bundle must not reveal training pictures.
"""

from __future__ import annotations

import base64
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.image import to_png

__all__ = ["as_base64", "golden_pictures"]

SEED = 20

# Height, width, channels: as small as MNIST, tall, wide, in colour.
SHAPES = ((28, 28, 1), (96, 64, 1), (60, 130, 1), (72, 72, 3), (40, 56, 3), (200, 160, 1))


def golden_pictures() -> list[NDArray[np.uint8]]:
    """Six fixed pictures of strokes on unevenly lit paper, H×W×C of uint8."""
    return [picture.copy() for picture in _drawn()]


@cache
def _drawn() -> list[NDArray[np.uint8]]:
    generator = np.random.default_rng(SEED)
    return [_strokes(generator, *shape) for shape in SHAPES]


def as_base64(picture: NDArray[np.uint8]) -> str:
    """H×W×C uint8 as a PNG in base64."""
    return base64.b64encode(to_png(picture)).decode("ascii")


def _strokes(
    generator: np.random.Generator, height: int, width: int, channels: int
) -> NDArray[np.uint8]:
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    paper = 215 + 30 * (across * generator.uniform(-1, 1) + down * generator.uniform(-1, 1))
    ink = np.zeros((height, width))
    for _ in range(4):
        (x0, x1, y0, y1), phase = generator.uniform(0.15, 0.85, 4), generator.uniform(0, 6)
        for t in np.linspace(0, 1, 80):
            x = x0 + (x1 - x0) * t + 0.05 * np.sin(phase + 5 * t)
            y = y0 + (y1 - y0) * t + 0.05 * np.cos(phase + 5 * t)
            # A round pen, about a twentieth of the picture wide.
            near = ((across - x) * width) ** 2 + ((down - y) * height) ** 2
            ink = np.maximum(ink, np.clip(max(height, width) / 40 + 0.5 - np.sqrt(near), 0, 1))
    tint = generator.uniform(0.0, 0.4, channels) if channels == 3 else np.zeros(1)
    picture = paper[..., None] * (1 - ink[..., None] * (1 - tint))
    noise = generator.integers(-3, 4, (height, width, 1))
    pixels: NDArray[np.uint8] = np.clip(np.rint(picture) + noise, 0, 255).astype(np.uint8)
    return pixels
