"""Occlusion maps: how a model's answer changes when parts of a picture are covered.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 4.2. The
method only runs the model on raw pixels, so maps of different approaches can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.image import shrink

__all__ = ["CELLS", "Occlusion", "covered", "occlusion_of"]

CELLS = 14  # along the longer side
SIDE = 196  # pixels; larger pictures are shrunk first, since their cells are as coarse


@dataclass(frozen=True, eq=False)
class Occlusion:
    """The parts of a picture that an answer depends on.

    Attributes
    ----------
    label : the answer.
    drops : rows×columns of square cells over the picture: the fall of the answer's probability
        when the cell and its neighbours are covered; negative where the probability rises.
    """

    label: str
    drops: NDArray[np.float32]


def covered(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture, and a copy for each cell with that cell covered by paper.

    Parameters
    ----------
    picture : H×W×C.

    Returns
    -------
    (1 + rows·columns)×h×w×C, the uncovered picture first, then row by row. A cover includes the
    adjacent cells and has the median colour of the picture's border.
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
    """The map for the most probable class, from a model's answers for `covered` copies.

    Parameters
    ----------
    picture : H×W×C, the argument of `covered`.
    probabilities : one row of K for each copy that `covered` returned.
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
