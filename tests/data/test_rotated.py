from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from sklearn.datasets import load_digits

from bakeoff.data.duplicates.find import DuplicateGroup, find_duplicates
from bakeoff.data.duplicates.rotated import NEIGHBOURS, find_rotated
from bakeoff.data.pictures import Pictures, PictureWriter

Picture = NDArray[np.uint8]


def scribble(seed: int, side: int = 28, wide: float = 1) -> Picture:
    """White strokes on black, with room to be turned in; no two seeds draw alike."""
    rng = np.random.default_rng(seed)
    points = rng.random((6, 2))
    points = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    points = (points - 0.5) * [0.6, 0.6 / wide] + 0.5
    image = Image.new("L", (8 * side, 8 * side))
    ends = [(float(x), float(y)) for x, y in points * 8 * side]
    ImageDraw.Draw(image).line(ends, fill=255, width=8 * side // 14, joint="curve")
    blurred = image.filter(ImageFilter.GaussianBlur(3))
    return np.asarray(blurred.resize((side, side), Image.Resampling.BOX))


def moved(
    picture: Picture, turn: float, shift: tuple[float, float] = (0, 0), scale: float = 1
) -> Picture:
    """Turned by degrees about the middle, shifted by pixels, scaled, and resampled."""
    height, width = picture.shape[:2]
    cos, sin = (f(math.radians(turn)) / scale for f in (math.cos, math.sin))
    x, y = width / 2 + shift[0], height / 2 + shift[1]
    matrix = (cos, sin, width / 2 - cos * x - sin * y, -sin, cos, height / 2 + sin * x - cos * y)
    image = Image.fromarray(picture)
    corner = image.getpixel((0, 0))
    return np.asarray(
        image.transform(
            image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=corner
        )
    )


def found(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    writer = PictureWriter()
    for picture in pictures:
        writer.append(picture if picture.ndim == 3 else picture[..., None])
    return [(int(a), int(b)) for a, b in find_rotated(writer.finish())]


ORIGINALS = [scribble(seed) for seed in range(30)]


@settings(max_examples=25)
@given(
    st.integers(0, len(ORIGINALS) - 1),
    st.floats(-14, 14),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    st.floats(0.9, 1.1),
)
def test_a_copy_that_was_turned_moved_and_scaled(
    row: int, turn: float, shift: tuple[float, float], scale: float
) -> None:
    copy = moved(ORIGINALS[row], turn, shift, scale)
    assert found([*ORIGINALS, copy]) == [(row, 30)]


def test_drawings_by_different_hands_are_not_copies() -> None:
    assert found([scribble(seed) for seed in range(400)]) == []


@pytest.mark.parametrize("turn", [-12, 8])
@pytest.mark.parametrize("side", [36, 100])
def test_drawings_that_lie_flat(side: int, turn: float) -> None:
    # Upright is where their longest axis is, and that has two ends.
    flat = [scribble(seed, side, wide=3) for seed in range(12)]
    copies = [moved(picture, turn) for picture in flat]
    assert found([*flat, *copies]) == [(row, row + 12) for row in range(12)]


def test_dark_ink_on_a_coloured_sheet_and_other_sizes() -> None:
    large = [scribble(seed, 90) for seed in range(8)]
    sheets = [np.stack([255 - ink, 240 - ink // 2, 200 - ink // 2], axis=2) for ink in large]
    copy = np.asarray(Image.fromarray(moved(sheets[3], 9)).resize((60, 60)))
    assert found([*sheets, copy]) == [(3, 8)]


def test_ink_of_another_colour_is_no_copy() -> None:
    ink = scribble(0, 60)
    red, green = (np.full((60, 60, 3), 255, dtype=np.uint8) for _ in range(2))
    red[..., 1:] -= ink[..., None]
    green[..., [0, 2]] -= ink[..., None]
    others = [np.repeat(scribble(seed, 60)[..., None], 3, axis=2) for seed in range(1, 6)]
    assert found([red, moved(green, 8), *others]) == []
    assert found([red, moved(red, 8), *others]) == [(0, 1)]


def test_some_copies_of_one_are_all_paired_with_it() -> None:
    copies = [moved(ORIGINALS[0], turn) for turn in (-14, -7, 6, 13)]
    pairs = found([*ORIGINALS, *copies])
    assert {(0, row) for row in range(30, 34)} <= set(pairs)
    assert {a for a, _ in pairs} | {b for _, b in pairs} == {0, 30, 31, 32, 33}


def test_no_copies_where_all_neighbours_are_alike() -> None:
    crowd = [moved(ORIGINALS[0], turn) for turn in np.linspace(-8, 8, NEIGHBOURS + 1)]
    assert found(crowd) == []


def line(lean: float, length: float, thick: float) -> Picture:
    down, across = np.mgrid[:28, :28] - 13.5
    along = np.cos(lean) * down + np.sin(lean) * across
    aside = np.cos(lean) * across - np.sin(lean) * down
    near = np.clip(thick - np.abs(aside), 0, 1) * np.clip(length - np.abs(along), 0, 1)
    return np.asarray(255 * near, dtype=np.uint8)


@pytest.mark.parametrize("count", [2, 5, 60])
def test_lines_are_too_plain_to_be_separated(count: int) -> None:
    rng = np.random.default_rng(count)
    hands = zip(
        rng.uniform(-0.7, 0.7, count),
        rng.uniform(7, 11, count),
        rng.uniform(1.2, 2.4, count),
        strict=True,
    )
    assert found([line(*hand) for hand in hands]) == []


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_boxes_and_rings_are_too_plain_as_well(kind: str) -> None:
    drawn = []
    for side in (12, 14, 16):
        for left, top in ((4, 4), (8, 5), (6, 9)):
            image = Image.new("L", (28, 28))
            getattr(ImageDraw.Draw(image), kind)(
                (left, top, left + side, top + side), outline=255, width=2
            )
            drawn.append(np.asarray(image))
    assert found(drawn) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture[:, ::-1].copy(),
        lambda picture: moved(picture, 60),
        lambda picture: moved(picture, 5, scale=0.65),
        lambda picture: np.maximum(moved(picture, 5), np.roll(line(0.6, 3, 1.5), 9, axis=1)),
    ],
    ids=["mirrored", "turned far", "much smaller", "one stroke more"],
)
def test_pictures_that_are_not_copies(change: object) -> None:
    assert callable(change)
    assert found([*ORIGINALS, *map(change, ORIGINALS)]) == []


@pytest.mark.parametrize(
    "picture",
    [
        scribble(0, 10),
        (scribble(0) // 20).astype(np.uint8),
        np.zeros((28, 28), dtype=np.uint8),
        np.asarray(Image.effect_noise((28, 28), 90)),
    ],
    ids=["tiny", "faint", "empty", "fills its frame"],
)
def test_pictures_that_cannot_be_judged(picture: Picture) -> None:
    assert found([*ORIGINALS, picture, moved(picture, 6)]) == []


def test_scikit_learns_digits_are_too_small_to_judge() -> None:
    digits = load_digits().images.astype(np.uint8) * 15
    assert find_rotated(Pictures.from_array(digits)).shape == (0, 2)


def test_few_pictures() -> None:
    assert found([]) == []
    assert found([ORIGINALS[0]]) == []
    assert found([ORIGINALS[0], moved(ORIGINALS[0], 7)]) == [(0, 1)]


def test_copies_of_every_kind_make_one_group() -> None:
    first = ORIGINALS[4]
    brighter = np.minimum(first.astype(int) + 15, 255).astype(np.uint8)
    rows = [*ORIGINALS, first.copy(), brighter, moved(first, 7), moved(ORIGINALS[9], -9)]
    assert find_duplicates(Pictures.from_array(np.stack(rows))) == [
        DuplicateGroup((4, 30, 31, 32), exact=False, turned=True),
        DuplicateGroup((9, 33), exact=False, turned=True),
    ]
