"""Drawings made of strokes, at any place, size and strength."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FINER = 4  # drawn so much larger, then averaged down, for soft edges

# A "4" without symmetry, in a box from -1 to 1; x to the right, y down.
FOUR: tuple[tuple[tuple[float, float], ...], ...] = (
    ((-0.1, -1.0), (-0.9, 0.3), (0.7, 0.3)),
    ((0.3, -0.6), (0.3, 1.0)),
)


def sheet(
    height: int = 96,
    width: int = 96,
    *,
    centre: tuple[float, float] | None = None,
    radius: float = 30,
    pen: float = 6,
    paper: int = 255,
    ink: int = 0,
    strokes: Sequence[Sequence[tuple[float, float]]] = FOUR,
) -> NDArray[np.uint8]:
    """H×W×1: strokes on paper, `radius` pixels from the centre to an edge of their box."""
    x, y = centre or (width / 2, height / 2)
    image = Image.new("L", (width * FINER, height * FINER), paper)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [((x + radius * a) * FINER, (y + radius * b) * FINER) for a, b in stroke]
        draw.line(points, fill=ink, width=round(pen * FINER), joint="curve")
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.array(small, dtype=np.uint8)[..., None]
