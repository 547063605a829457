"""Pictures as arrays, for the readers of arrays and tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def noise(*shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def smooth(count: int = 6, side: int = 16) -> Bytes:
    """Photos of a kind, N×side×side×3: waves of another phase in each colour."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:side, :side] / side
    waves = [
        np.sin(6 * (down * rng.uniform() + across * rng.uniform()) + rng.uniform(0, 6))
        for _ in range(3 * count)
    ]
    photos = (127 + 120 * np.stack(waves)).astype(np.uint8).reshape(count, 3, side, side)
    return np.moveaxis(photos, 1, -1)


def ink(count: int, side: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    """`count` pictures whose border is blank and whose middle is not, as drawings are."""
    rng = np.random.default_rng(seed)
    pictures = np.zeros((count, side, side), dtype=np.uint8)
    pictures[:, 1:-1, 1:-1] = rng.integers(2, 256, (count, side - 2, side - 2))
    return pictures
