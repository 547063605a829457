"""Separate drawings from their paper, and normalise their pose: size, position, rotation."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter1d

from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures

__all__ = ["FIELD", "Drawings"]

SIDE = 48  # pixels, the longest side; larger pictures are shrunk first
SMALLEST = 3.0  # spread of the ink, in pixels; below, interpolation distorts too much
FAINTEST = 16.0  # grey levels between paper and ink
BUSIEST = 0.35  # share of the edge that is not paper; above, paper cannot be separated from ink
# The ink is sampled finely in a square of this many spreads to either side, blurred and
# halved, which removes the effect of interpolation on edges.
REACH = 2.5
SAMPLES = 40
BLUR = 1.2
FIELD = SAMPLES // 2
PART = 1024  # pictures at a time

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Drawings:
    """M pictures of ink on paper, the ink in a normalised pose.

    Attributes
    ----------
    rows : M, which pictures.
    ink : M×20×20 of uint8.
    turn : M, the angle of the longest axis before normalisation, in radians.
    spread : M, root mean square distance of the ink from its centre, over the longest side.
    centre : M×2, down and across, over the longest side.
    long : M, 0 for round ink, 1 for a line.
    colours : M×2×C, of paper and ink.
    """

    rows: NDArray[np.int64]
    ink: NDArray[np.uint8]
    turn: Floats
    spread: Floats
    centre: Floats
    long: Floats
    colours: Floats

    @classmethod
    def of(cls, pictures: Pictures) -> Drawings:
        """The drawings in N pictures, at least one.

        The first and second moments of the ink (Hu 1962) give its position, size and angle.
        Pictures that are empty, tiny, or fill their frame are left out.
        """
        parts = [_read(*batch) for batch in _shrunk(pictures).batches(PART)]
        names = (field.name for field in fields(cls))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _shrunk(pictures: Pictures) -> Pictures:
    """All pictures with a longest side of at most 48 pixels, and the same number of channels."""
    channels = pictures.channels
    if (pictures.shapes[:, :2] <= SIDE).all() and (pictures.shapes[:, 2] == channels).all():
        return pictures
    small = []
    for picture in pictures:
        height, width = picture.shape[:2]
        pixels = picture
        if (share := SIDE / max(height, width)) < 1:
            size = max(1, round(width * share)), max(1, round(height * share))
            image = to_image(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
            pixels = np.asarray(image).reshape(size[1], size[0], -1)
        small.append(np.broadcast_to(pixels, (*pixels.shape[:2], channels)))
    sizes = np.asarray([pixels.size for pixels in small])
    shapes = np.asarray([pixels.shape for pixels in small], dtype=np.int32)
    return Pictures(
        np.concatenate([pixels.ravel() for pixels in small]), np.cumsum(sizes) - sizes, shapes
    )


def _read(rows: NDArray[np.int64], batch: NDArray[np.uint8]) -> Drawings:
    """The drawings in n pictures of one shape, n×H×W×C; pictures without one are left out."""
    pixels = batch.astype(np.float32)
    count, height, width, channels = pixels.shape
    side = max(height, width)
    edge = np.concatenate(
        [pixels[:, 0], pixels[:, -1], pixels[:, 1:-1, 0], pixels[:, 1:-1, -1]], axis=1
    )
    paper = np.median(edge, axis=1)
    depth = (pixels - paper[:, None, None]).mean(axis=3)
    depth *= np.where(depth.sum(axis=(1, 2)) < 0, -1, 1)[:, None, None]
    darkest = round(0.995 * (height * width - 1))
    peak = np.partition(depth.reshape(count, -1), darkest, axis=1)[:, darkest]
    peak = np.maximum(peak, 1e-3)
    ink = np.clip((depth / peak[:, None, None] - 0.2) / 0.7, 0, 1)
    covered = np.abs((edge - paper[:, None]).mean(axis=2)) > peak[:, None] / 4

    y, x = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    down, across = ink.sum(axis=2), ink.sum(axis=1)
    mass = down.sum(axis=1) + 1e-6
    centre = np.stack([down @ y, across @ x], axis=1) / mass[:, None]
    yy = down @ y**2 / mass - centre[:, 0] ** 2
    xx = across @ x**2 / mass - centre[:, 1] ** 2
    xy = (ink @ x) @ y / mass - centre.prod(axis=1)
    spread = np.sqrt(np.maximum(yy + xx, 1e-6))
    turn = np.arctan2(2 * xy, yy - xx) / 2
    colour = ink.reshape(count, 1, -1) @ pixels.reshape(count, -1, channels) / mass[:, None, None]
    colours = np.concatenate([paper[:, None], colour], axis=1)

    seen = (spread >= SMALLEST) & (peak >= FAINTEST) & (covered.mean(axis=1) <= BUSIEST)
    return Drawings(
        rows[seen],
        _normalised(ink[seen], centre[seen], spread[seen], turn[seen]),
        turn[seen],
        spread[seen] / side,
        centre[seen] / side,
        np.hypot(2 * xy, yy - xx)[seen] / spread[seen] ** 2,
        colours[seen],
    )


def _normalised(ink: Floats, centre: Floats, spread: Floats, turn: Floats) -> NDArray[np.uint8]:
    """n×20×20: the ink of n pictures in a normalised pose."""
    step = 2 * REACH * spread / SAMPLES
    along, aside = np.cos(turn) * step, np.sin(turn) * step
    matrices = np.stack([along, -aside, aside, along], axis=1).reshape(-1, 2, 2)
    corners = centre - matrices.sum(axis=2) * (SAMPLES - 1) / 2
    fine = np.empty((len(ink), SAMPLES, SAMPLES), dtype=np.float32)
    for picture, matrix, corner, into in zip(ink, matrices, corners, fine, strict=True):
        affine_transform(picture, matrix, corner, output=into, order=1)
    blur = gaussian_filter1d(np.eye(SAMPLES, dtype=np.float32), BLUR, axis=0, mode="constant")
    halve = (blur[::2] + blur[1::2]) / 2
    small: NDArray[np.uint8] = np.rint(255 * (halve @ fine @ halve.T)).astype(np.uint8)
    return small
