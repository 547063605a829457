"""What mattered to a model: how its answer fares when parts of a picture are covered.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2. It
asks the model alone, from raw pixels, so that maps of different approaches can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.image import shrink

__all__ = ["CELLS", "Occlusion", "covered", "occlusion_of"]

CELLS = 14  # along the longer side
SIDE = 196  # pixels; what is larger is shrunk first, since a cell of it is as coarse


@dataclass(frozen=True, eq=False)
class Occlusion:
    """Where a picture holds what one answer rests on.

    Attributes
    ----------
    label : the answer.
    drops : rows×columns of square cells over the picture: by how much its probability falls
        when the cell and those around it are covered; below 0 where it rises.
    """

    label: str
    drops: NDArray[np.float32]


def covered(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture, and copies of it with each cell in turn covered by paper.

    Parameters
    ----------
    picture : H×W×C.

    Returns
    -------
    (1 + rows·columns)×h×w×C, the whole picture first, then row by row. A cover reaches one cell
    beyond its own on every side, and has the median colour of the picture's border.
    """
    picture = shrink(picture, SIDE)
    rows, columns, cell = _grid(picture)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    paper = np.median(border, axis=0).astype(np.uint8)
    copies = np.repeat(picture[None], 1 + rows * columns, axis=0)
    for place in range(rows * columns):
        top, left = (place // columns - 1) * cell, (place % columns - 1) * cell
        copies[1 + place, max(top, 0) : top + 3 * cell, max(left, 0) : left + 3 * cell] = paper
    return copies


def occlusion_of(
    picture: NDArray[np.uint8], probabilities: NDArray[np.float32], classes: Sequence[str]
) -> Occlusion:
    """The map for the likeliest class, from what a model says of `covered` pictures.

    Parameters
    ----------
    picture : H×W×C, as `covered` was given it.
    probabilities : one row of K for each that `covered` gave.
    classes : K names.
    """
    rows, columns, _ = _grid(shrink(picture, SIDE))
    best = int(probabilities[0].argmax())
    drops = probabilities[0, best] - probabilities[1:, best]
    return Occlusion(classes[best], drops.reshape(rows, columns))


def _grid(picture: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Rows, columns, and the side of a cell in pixels; the last row and column may be cut."""
    height, width = picture.shape[:2]
    cell = -(-max(height, width) // CELLS)
    return -(-height // cell), -(-width // cell), cell
