"""Pictures that were saved again, made a little brighter or flatter, and mirrored photos."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dct
from scipy.spatial import cKDTree

from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures

__all__ = ["find_near"]

# These were set by looking at the closest pairs of MNIST (60 000), Quick, Draw!
# (34 500), scikit-learn's digits and 431 drawings, and at copies made of them.
# Saved again as JPEG of quality 70, or made brighter or flatter, a copy differs
# by 0.02–0.08 of the contrast in its worst cell; the two most alike of MNIST's
# ones, which two people wrote, differ by 0.12.
SIDE = 20
TOLERANCE = 0.1
# Below this standard deviation (of 255 grey levels) a picture is empty paper,
# of which only noise could be compared.
FAINTEST = 2.0
BRIGHTER = 48.0
STRONGER = 1.5
FREQUENCIES = 6
RADIUS = 0.12
NEIGHBOURS = 8
CHUNK = 4096


def find_near(pictures: Pictures, *, mirrored: bool = False) -> NDArray[np.int64]:
    """Pairs of pictures of which one was saved again, made a little brighter or flatter.

    They are found in two steps. A thumbnail's lowest frequencies, the
    numbers whose signs are the 64 bits of the well-known pHash (Zauner 2010),
    place each picture in a k-d tree, which names its nearest few. A pair of those
    is accepted if their thumbnails, normalised to the same brightness and
    contrast, agree in every single cell: correlation would forgive one
    missing stroke, and the worst cell does not. Colours are compared as such.

    Parameters
    ----------
    pictures : N pictures.
    mirrored : find mirror images too. For photos: two of different moments are not alike in every
        cell. Drawings of two people may be, as one's b is and the other's d.

    Returns
    -------
    NDArray
        P×2 rows.
    """
    none: NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)
    if len(pictures) == 0:
        return none
    thumbnails = _thumbnails(pictures)
    drawn = np.flatnonzero(_contrast(thumbnails) >= FAINTEST)
    near = [_near(pictures, thumbnails, thumbnails, drawn)]
    if mirrored:
        near.append(_near(pictures, thumbnails, thumbnails[:, :, ::-1], drawn))
    return np.concatenate([none, *near])


def _near(
    pictures: Pictures,
    thumbnails: NDArray[np.uint8],
    others: NDArray[np.uint8],
    drawn: NDArray[np.int64],
) -> NDArray[np.int64]:
    """P×2 of the rows `drawn`: where a picture's thumbnail is like the other's among `others`."""
    places = _lowest_frequencies(thumbnails, drawn)
    other_places = places if others is thumbnails else _lowest_frequencies(others, drawn)
    pairs = drawn[_neighbours(places, other_places)]
    shapes = pictures.shapes[pairs].astype(np.float64)
    aspect = shapes[..., 0] / shapes[..., 1]
    # A pixel of rounding is allowed: 29×28 halved is 15×14 or 14×14.
    slack = 1.5 / shapes[..., :2].min(axis=(1, 2), initial=np.inf)
    pairs = pairs[np.abs(aspect[:, 0] / aspect[:, 1] - 1) <= slack]
    alike = [
        _alike(thumbnails[part[:, 0]], others[part[:, 1]])
        for part in np.split(pairs, range(CHUNK, len(pairs), CHUNK))
    ]
    near: NDArray[np.int64] = pairs[np.concatenate(alike)]
    return near


def _thumbnails(pictures: Pictures) -> NDArray[np.uint8]:
    """N×20×20×C."""
    channels = pictures.channels
    small = np.empty((len(pictures), SIDE, SIDE, channels), dtype=np.uint8)
    for row, picture in enumerate(pictures):
        image = to_image(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3)
        small[row] = np.asarray(image).reshape(SIDE, SIDE, -1)
    return small


def _contrast(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    flat = thumbnails.reshape(len(thumbnails), -1)
    # In parts, because std converts its whole argument to float64.
    parts = np.split(flat, range(CHUNK, len(flat), CHUNK))
    return np.concatenate([part.std(axis=1) for part in parts])


def _lowest_frequencies(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """M×20, of length 1: the cosine transform's lowest frequencies, without the mean."""
    basis = dct(np.eye(SIDE, dtype=np.float32), axis=0, norm="ortho")[:FREQUENCIES]
    down, across = np.indices((FREQUENCIES, FREQUENCIES))
    kept = (down + across > 0) & (down + across < FREQUENCIES)
    waves = np.empty((len(rows), int(kept.sum())), dtype=np.float32)
    for start in range(0, len(rows), CHUNK):
        grey = thumbnails[rows[start : start + CHUNK]].mean(axis=3, dtype=np.float32)
        waves[start : start + CHUNK] = (basis @ grey @ basis.T)[:, kept]
    length = np.linalg.norm(waves, axis=1, keepdims=True)
    unit: NDArray[np.float32] = waves / np.maximum(length, 1e-6)
    return unit


def _neighbours(places: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs of a place and another's place among `others` within the radius: the nearest few.

    Only a few, since a thousand frames of one film are half a million pairs, and
    links to the nearest few join them into one group too.
    """
    if len(places) == 0:
        return np.empty((0, 2), dtype=np.int64)
    nearest = cKDTree(others).query(places, NEIGHBOURS + 1, distance_upper_bound=RADIUS)[1]
    own = np.repeat(np.arange(len(places)), nearest.shape[1])
    other = nearest.ravel()
    pairs = np.stack([own, other], axis=1)[(other < len(places)) & (other != own)]
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _alike(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether P pairs of thumbnails agree in every cell, P."""
    cells = math.prod(a.shape[1:])
    first, second = (part.reshape(-1, cells).astype(np.float32) for part in (a, b))
    brightness = first.mean(axis=1), second.mean(axis=1)
    contrast = first.std(axis=1), second.std(axis=1)
    first = (first - brightness[0][:, None]) / contrast[0][:, None]
    second = (second - brightness[1][:, None]) / contrast[1][:, None]
    reach = (np.ptp(first, axis=1) + np.ptp(second, axis=1)) / 2
    stronger = np.maximum(*contrast) / np.minimum(*contrast)
    brighter = np.abs(brightness[0] - brightness[1])
    worst = np.abs(first - second).max(axis=1)
    same: NDArray[np.bool_] = (
        (worst <= TOLERANCE * reach) & (stronger <= STRONGER) & (brighter <= BRIGHTER)
    )
    return same
