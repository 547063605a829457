"""Copies of drawings that were rotated, moved or scaled a little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from bakeoff.data.duplicates.pose import FIELD, Drawings
from bakeoff.data.pictures import Pictures

__all__ = ["find_rotated"]

# Set on MNIST, Quick, Draw! and 431 drawings, and on rotated copies made of them;
# benchmarks/copies.py prints the results. Which pairs are compared:
FREQUENCIES = 12
BAND = 0.1  # difference in roundness
RADIUS = 0.25
FIRST = 3
NEIGHBOURS = 12
STRANGERS = 0.5
# Which are accepted: the remaining distance relative to the drawing's own contrast, overall and in
# the worst place, and relative to the next drawing. The undone rotation and shift must be small.
TOLERANCE = 0.1
WORST = 0.2
RATIO = 0.42
TURN = math.radians(30)  # twice 15°, for two copies of one picture
SCALE = 1.35
SHIFT = 0.3
BRIGHTER = 48.0  # grey levels
PART = 1024  # pictures or pairs at a time
COMPARED = 256  # with all others, at a time

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]


def find_rotated(pictures: Pictures) -> Rows:
    """Pairs of drawings of which one is a rotated, moved or scaled copy of the other.

    The pose of every drawing is normalised by its moments, so that copies look alike at any
    rotation; the lowest frequencies of a cosine transform find the nearest few of each. What no
    small shift, rotation, scaling or fading explains of the difference is measured: the tangent
    distance of Simard, LeCun and Denker (1993).

    A pair is accepted if that distance is small, and for both drawings less than half of the
    distance to the next drawing (Lowe 2004): another person's 7 is never as near as that, and if
    it is, as with strokes that all look alike, a copy cannot be separated from a similar drawing.
    A drawing's own mirror image and half turn count as other drawings, since lines, boxes and
    rings are too plain to be separated.

    Pictures smaller than some 14 pixels, photos that fill their frame, and pictures with ink
    rotated out of the frame are not judged; mirrored drawings are not copies.

    Costs 11 s and 220 MB for 60 000 pictures of 28×28 on one core; compares all with all, so
    twice as many pictures take four times as long.

    Parameters
    ----------
    pictures : N pictures without exact copies: eleven exact copies would be each other's only
        neighbours, and hide any rotated one.

    Returns
    -------
    NDArray
        P×2 rows, the lower first.
    """
    if len(pictures) < 2:
        return np.empty((0, 2), dtype=np.int64)
    drawings = Drawings.of(pictures)
    near, other, flipped = _neighbours(drawings)
    accepted, other = _accepted(drawings, near, other, flipped)
    row, place = np.nonzero(accepted)
    links = set(zip(near[row].tolist(), other[row, place].tolist(), strict=True))
    mutual = sorted((a, b) for a, b in links if a < b and (b, a) in links)
    pairs: Rows = drawings.rows[np.asarray(mutual, dtype=np.int64).reshape(-1, 2)]
    return pairs


def _neighbours(drawings: Drawings) -> tuple[Rows, Rows, Flags]:
    """Drawings with a likely copy; the nearest few of each; which of these are upside down.

    -1 if there are fewer.
    """
    places, half_turned = _places(drawings.ink)
    # An axis has no direction: if it is horizontal, its copy may have been normalised upside down.
    flat = np.flatnonzero(np.abs(drawings.turn) > math.pi / 2 - TURN)
    owner = np.concatenate([np.arange(len(places)), flat])
    order = np.argsort(drawings.long[owner], kind="stable")
    owner, upside_down = owner[order], order >= len(places)
    places = np.concatenate([places, places[flat] * half_turned])[order]
    long = drawings.long[owner]
    upright = np.flatnonzero(~upside_down)
    near = [np.empty(0, dtype=np.int64)]
    other = [np.empty((0, NEIGHBOURS), dtype=np.int64)]
    for part in np.split(upright, range(COMPARED, len(upright), COMPARED)) if len(upright) else []:
        first, last = np.searchsorted(long, long[part[[0, -1]]] + [-BAND, BAND])
        alike = places[part] @ places[first:last].T
        alike[owner[part][:, None] == owner[first:last]] = -1
        close = np.flatnonzero(alike.max(axis=1) >= 1 - RADIUS**2 / 2)
        alike = np.pad(alike[close], ((0, 0), (0, NEIGHBOURS)), constant_values=-1)
        nearest = np.argpartition(-alike, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        cosine = np.take_along_axis(alike, nearest, axis=1)
        ranked = np.argsort(-cosine, axis=1, kind="stable")
        present = np.take_along_axis(cosine >= 1 - STRANGERS**2 / 2, ranked, axis=1)
        near.append(part[close])
        other.append(np.where(present, first + np.take_along_axis(nearest, ranked, axis=1), -1))
    rows, entries = owner[np.concatenate(near)], np.concatenate(other)
    others = np.where(entries < 0, -1, owner[entries])
    flipped = upside_down[entries] & (entries >= 0)
    likely = _differences(drawings, rows, others[:, :FIRST], flipped[:, :FIRST])[0] <= TOLERANCE
    wanted = np.isin(rows, [*rows[likely.any(axis=1)], *others[:, :FIRST][likely]])
    return rows[wanted], others[wanted], flipped[wanted]


def _places(ink: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """The lowest frequencies of M drawings, of length 1; the sign of each after half a turn."""
    basis = dct(np.eye(FIELD, dtype=np.float32), axis=0, norm="ortho")[:FREQUENCIES]
    order = np.add.outer(np.arange(FREQUENCIES), np.arange(FREQUENCIES))
    kept = (order > 0) & (order < FREQUENCIES)
    places = np.empty((len(ink), int(kept.sum())), dtype=np.float32)
    for start in range(0, len(ink), PART):
        places[start : start + PART] = (basis @ ink[start : start + PART] @ basis.T)[:, kept]
    places /= np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-6)
    return places, np.where(order[kept] % 2, -1, 1).astype(np.float32)


def _accepted(drawings: Drawings, rows: Rows, other: Rows, flipped: Flags) -> tuple[Flags, Rows]:
    """Which neighbours of M drawings are accepted as copies, M×K; the neighbours, sorted, M×K."""
    rest, worst = _differences(drawings, rows, other, flipped)
    ranked = np.argsort(rest, axis=1, kind="stable")
    rest = np.take_along_axis(rest, ranked, axis=1)
    worst = np.take_along_axis(worst, ranked, axis=1)
    other = np.take_along_axis(other, ranked, axis=1)
    flipped = np.take_along_axis(flipped, ranked, axis=1)
    own = rows[:, None]
    turn = drawings.turn[own] - drawings.turn[other] + math.pi * flipped
    fits = (
        (rest <= TOLERANCE)
        & (worst <= WORST)
        & (np.abs(np.remainder(turn + math.pi, 2 * math.pi) - math.pi) <= TURN)
        & (np.abs(np.log(drawings.spread[own] / drawings.spread[other])) <= math.log(SCALE))
        & (np.abs(drawings.centre[own] - drawings.centre[other]).max(axis=2) <= SHIFT)
        & (np.abs(drawings.colours[own] - drawings.colours[other]).max(axis=(2, 3)) <= BRIGHTER)
    )
    # The second entry of a drawing, upside down, is the same drawing as the first.
    again = np.tril(other[:, :, None] == other[:, None, :], -1).any(axis=2)
    fits |= again
    beyond = np.where(again, np.inf, rest)[:, ::-1]
    beyond = np.minimum.accumulate(beyond, axis=1)[:, ::-1]
    beyond = np.pad(
        beyond[:, 1:], ((0, 0), (0, 1)), constant_values=0
    )  # unknown, so assumed to be near
    stranger = np.minimum(beyond, _from_its_images(drawings, rows)[:, None])
    clear = np.logical_and.accumulate(fits, axis=1) & (rest < RATIO * stranger)
    accepted: Flags = np.logical_or.accumulate(clear[:, ::-1], axis=1)[:, ::-1]
    return accepted & (other >= 0), other


def _from_its_images(drawings: Drawings, rows: Rows) -> Floats:
    """Distances of M drawings from their mirror images and half turns, M."""
    away = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), PART):
        ink = drawings.ink[rows[start : start + PART]].astype(np.float32)
        images = ink[:, ::-1], ink[:, :, ::-1], ink[:, ::-1, ::-1]
        distances = [_unexplained(ink, image)[0] for image in images]
        away[start : start + PART] = np.min(distances, axis=0)
    return away


def _differences(
    drawings: Drawings, rows: Rows, other: Rows, flipped: Flags
) -> tuple[Floats, Floats]:
    """Tangent distances of M drawings from K others each, and in the worst place; M×K.

    Infinite if there is no other.
    """
    rest, worst = (np.full(other.shape, np.inf, dtype=np.float32) for _ in range(2))
    row, place = np.nonzero(other >= 0)
    for start in range(0, len(row), PART):
        r, p = row[start : start + PART], place[start : start + PART]
        first, second = drawings.ink[rows[r]], drawings.ink[other[r, p]]
        second = np.where(flipped[r, p][:, None, None], second[:, ::-1, ::-1], second)
        rest[r, p], worst[r, p] = _unexplained(first.astype(np.float32), second.astype(np.float32))
    return rest, worst


def _unexplained(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Tangent distance of P pairs relative to contrast, and of the worst place to the peak.

    The tangents are those of the mean, so that the distance is symmetric and its error of third
    order.
    """
    middle = (first + second) / 2
    count = len(middle)
    rise, run = np.gradient(middle, axis=(1, 2))
    y, x = np.indices((FIELD, FIELD), dtype=np.float32) - (FIELD - 1) / 2
    moves = np.stack([rise, run, x * rise - y * run, x * run + y * rise, middle], axis=1)
    moves = moves.reshape(count, 5, FIELD * FIELD)
    normal = moves @ moves.transpose(0, 2, 1)
    firm = 2e-5 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-3
    difference = (first - second).reshape(count, FIELD * FIELD, 1)
    amounts = np.linalg.solve(normal + firm * np.eye(5, dtype=np.float32), moves @ difference)
    rest = (difference - moves.transpose(0, 2, 1) @ amounts)[..., 0]
    deviation = FIELD * middle.std(axis=(1, 2)) + 1e-6
    return (
        np.linalg.norm(rest, axis=1) / deviation,
        np.abs(rest).max(axis=1) / (middle.max(axis=(1, 2)) + 1e-6),
    )
