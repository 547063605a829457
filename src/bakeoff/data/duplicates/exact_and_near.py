"""Pictures that are in a dataset more than once: copied, saved again, or turned a little."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dct
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from bakeoff.data.duplicates.rotated import find_rotated
from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures

__all__ = ["DuplicateGroup", "find_duplicates", "together"]

# These were set by looking at the closest pairs of MNIST (60 000), Quick, Draw!
# (34 500), scikit-learn's digits and 431 drawings, and at copies made of them.
# Saved again as JPEG of quality 70, or made brighter or flatter, a copy differs
# by 0.02–0.08 of the contrast in its worst cell; the two most alike of MNIST's
# ones, which two people wrote, differ by 0.12.
SIDE = 20
TOLERANCE = 0.1
# Below this standard deviation (of 255 grey levels) a picture is empty paper,
# and its noise would be all there is to compare.
FAINTEST = 2.0
BRIGHTER = 48.0
STRONGER = 1.5
FREQUENCIES = 6
RADIUS = 0.12
NEIGHBOURS = 8
CHUNK = 4096


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """The rows of two or more pictures that are one.

    `exact` if every pixel agrees; `turned` if some are alike only when turned, moved or scaled.
    """

    indices: tuple[int, ...]
    exact: bool
    turned: bool = False


def find_duplicates(pictures: Pictures) -> list[DuplicateGroup]:
    """Exact copies, and near ones: saved again, a little brighter or flatter, turned or moved.

    Near copies are found in two steps. A thumbnail's lowest frequencies, the
    numbers whose signs are the 64 bits of the well-known pHash (Zauner 2010),
    place each picture in a k-d tree, which names its nearest few. Of those a
    pair stands if their thumbnails, brought to the same brightness and
    contrast, agree in every single cell: correlation would forgive one
    missing stroke, and the worst cell does not. Colours are compared as such.
    What is left is searched for drawings that were turned up to some 15°,
    moved or scaled by a tenth: see `find_rotated`.

    Two people's digits must not pass for one, so copies that were mirrored,
    or cut off by the frame, are not found, nor turned copies of photos, of
    plain strokes, and of pictures under some 14 pixels a side; of pictures
    under some 50 not all that were scaled. Empty pictures are compared
    exactly only.

    Costs 16 s and 260 MB for 60 000 grey pictures of 28×28.

    Parameters
    ----------
    pictures : N pictures.

    Returns
    -------
    list of DuplicateGroup
        In the order of their first pictures; no picture is in two groups.
    """
    exact = together(len(pictures), _exact(pictures))
    saved = _linked(pictures, exact, _near)
    every = _linked(pictures, saved, find_rotated)
    order = np.argsort(every, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(every[order])) + 1)
    return [
        DuplicateGroup(
            tuple(rows.tolist()),
            exact=len(np.unique(exact[rows])) == 1,
            turned=len(np.unique(saved[rows])) > 1,
        )
        for rows in sorted(members, key=lambda rows: int(rows[0]) if len(rows) else 0)
        if len(rows) > 1
    ]


def _linked(
    pictures: Pictures,
    ids: NDArray[np.int64],
    find: Callable[[Pictures], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Ids of N pictures, with those joined whose first pictures `find` pairs."""
    _, first = np.unique(ids, return_index=True)
    pairs = first[find(pictures.take(first))]
    return together(len(pictures), pairs.tolist(), extra_ids=ids)


def together(
    count: int,
    groups: Iterable[Sequence[int]],
    extra_ids: NDArray[np.integer] | None = None,
) -> NDArray[np.int64]:
    """One id per picture, the same for all that are linked in any way.

    If a and b are duplicates and b and c are of one writer, then a, b and c
    share an id, and `split` keeps them in one part.

    Parameters
    ----------
    count : N, pictures in all.
    groups : rows that belong together, such as those of each `DuplicateGroup`.
    extra_ids : N, further ids (a writer's, a style's) whose members belong together.

    Returns
    -------
    NDArray
        N ids, counted from 0 in the order of the first picture of each.
    """
    pairs = [(rows[0], row) for rows in groups for row in rows[1:]]
    links = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if extra_ids is not None:
        _, first, inverse = np.unique(extra_ids, return_index=True, return_inverse=True)
        links = np.concatenate([links, np.stack([first[inverse], np.arange(count)], axis=1)])
    graph = coo_array((np.ones(len(links), dtype=bool), tuple(links.T)), shape=(count, count))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    ids: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return ids.astype(np.int64)


def _exact(pictures: Pictures) -> list[list[int]]:
    rows_of: dict[bytes, list[int]] = {}
    for row, (picture, shape) in enumerate(zip(pictures, pictures.shapes, strict=True)):
        digest = hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16)
        digest.update(shape.tobytes())
        rows_of.setdefault(digest.digest(), []).append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]


def _near(pictures: Pictures) -> NDArray[np.int64]:
    """Pairs of near copies, P×2."""
    none: NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)
    if len(pictures) == 0:
        return none
    thumbnails = _thumbnails(pictures)
    drawn = np.flatnonzero(_contrast(thumbnails) >= FAINTEST)
    pairs = drawn[_neighbours(_lowest_frequencies(thumbnails, drawn))]
    if len(pairs) == 0:
        return none
    shapes = pictures.shapes[pairs].astype(np.float64)
    aspect = shapes[..., 0] / shapes[..., 1]
    # A pixel of rounding is allowed: 29×28 halved is 15×14 or 14×14.
    slack = 1.5 / shapes[..., :2].min(axis=(1, 2))
    pairs = pairs[np.abs(aspect[:, 0] / aspect[:, 1] - 1) <= slack]
    alike = [
        _alike(thumbnails[part[:, 0]], thumbnails[part[:, 1]])
        for part in np.split(pairs, range(CHUNK, len(pairs), CHUNK))
    ]
    found: NDArray[np.int64] = pairs[np.concatenate(alike)]
    return found


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
    # In parts, because std makes float64 of all it is given.
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


def _neighbours(places: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs of places within the radius, each with its nearest few.

    A few only: a thousand frames of one film are half a million pairs, and
    links to the nearest few join them into one group all the same.
    """
    if len(places) == 0:
        return np.empty((0, 2), dtype=np.int64)
    found = cKDTree(places).query(places, NEIGHBOURS + 1, distance_upper_bound=RADIUS)[1]
    own = np.repeat(np.arange(len(places)), found.shape[1])
    other = found.ravel()
    pairs = np.stack([own, other], axis=1)[(other < len(places)) & (other != own)]
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _alike(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether P pairs of thumbnails agree in every cell, P."""
    cells = math.prod(a.shape[1:])
    first, second = (one.reshape(-1, cells).astype(np.float32) for one in (a, b))
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
