"""Changes that leave the label true: any picture, sane results, more with every strength."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bakeoff.evaluation.corruptions import (
    CORRUPTIONS,
    STRENGTHS,
    Corruption,
    Sheet,
    corruptions_for,
)

Picture = NDArray[np.uint8]
BY_NAME = {change.name: change for change in CORRUPTIONS}
LARGER = ("shift", "turn", "scale")  # they need more room
SAME_SIZE = [change for change in CORRUPTIONS if change.name not in LARGER]

pictures = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape)
)


def drawing(
    height: int = 100, width: int = 120, *, channels: int = 1, shade: float = 0.2
) -> Picture:
    """A house with a door, dark on paper that is lit from the left."""
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    thick = max(1, round(0.03 * width))
    across, down = width / 12, height / 10
    roof = [(3 * across, 5 * down), (6 * across, 2 * down), (9 * across, 5 * down)]
    draw.line(roof, fill=40, width=thick)
    draw.rectangle((3 * across, 5 * down, 9 * across, 8 * down), outline=40, width=thick)
    draw.line([(6 * across, 8 * down), (6 * across, 6 * down)], fill=40, width=thick)
    lit = np.asarray(image) * np.linspace(1, 1 - shade, width)
    return np.repeat(lit.astype(np.uint8)[..., None], channels, axis=2)


def distance(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def inked(picture: Picture) -> float:
    """How much ink there is, in full pixels."""
    paper = np.quantile(picture, 0.9)
    return float(np.clip(paper - picture.astype(float), 0, None).sum() / 255)


@settings(max_examples=60)
@given(picture=pictures, change=st.sampled_from(CORRUPTIONS), strength=st.integers(1, STRENGTHS))
def test_every_corruption_gives_a_picture(
    picture: Picture, change: Corruption, strength: int
) -> None:
    before = picture.copy()
    ink = change.ink_only or strength % 2 == 0
    changed = change(Sheet(picture, ink=ink), strength, row=7)
    assert np.array_equal(picture, before)
    assert changed.dtype == np.uint8
    assert changed.shape[2] == picture.shape[2]
    if change.name in LARGER:
        # A long and narrow picture grows by its length when it is turned.
        most = max(before.shape) + 2
        grown = [now - was for now, was in zip(changed.shape, before.shape, strict=True)]
        assert all(0 <= one <= most for one in grown)
    else:
        assert changed.shape == picture.shape
    sheet = Sheet(picture, ink=ink)  # what one corruption leaves there changes none after it
    for before_it in (change, *CORRUPTIONS):
        before_it(sheet, STRENGTHS, row=7)
    assert np.array_equal(change(sheet, strength, row=7), changed)


@pytest.mark.parametrize("change", CORRUPTIONS, ids=lambda change: change.name)
def test_five_strengths_have_words(change: Corruption) -> None:
    assert len(change.amounts) == len(set(change.strengths)) == STRENGTHS


def test_photos_have_no_strokes_and_no_squares() -> None:
    left = {change.name for change in CORRUPTIONS} - {
        one.name for one in corruptions_for(ink=False)
    }
    assert left == {"thinner strokes", "thicker strokes", "squared paper"}
    assert corruptions_for(ink=True) == list(CORRUPTIONS)


@pytest.mark.parametrize("size", [(28, 28), (100, 120)])
@pytest.mark.parametrize("change", SAME_SIZE, ids=lambda change: change.name)
def test_more_strength_changes_more(change: Corruption, size: tuple[int, int]) -> None:
    picture = drawing(*size)
    away = [
        np.mean(
            [distance(change(Sheet(picture, ink=True), k, row=row), picture) for row in range(4)]
        )
        for k in range(1, STRENGTHS + 1)
    ]
    assert away[0] > 0
    assert all(less < more for less, more in pairwise(away))


@pytest.mark.parametrize("name", ["shift", "scale"])
def test_corruptions_that_need_room_keep_every_pixel(name: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    sides = []
    for strength in range(1, STRENGTHS + 1):
        changed = BY_NAME[name](Sheet(picture, ink=False), strength, row=1)
        windows = np.lib.stride_tricks.sliding_window_view(changed, picture.shape)
        assert any(np.array_equal(one, picture) for one in windows.reshape(-1, *picture.shape))
        sides.append(changed.shape[1])
    assert sides == sorted(sides)


def test_rotation_keeps_all_ink() -> None:
    picture = drawing(shade=0)
    picture[:3, 40:60] = 40  # touches the edge
    for strength in range(1, STRENGTHS + 1):
        turned = BY_NAME["turn"](Sheet(picture, ink=True), strength, row=0)
        assert inked(turned) == pytest.approx(inked(picture), rel=0.15)


def test_the_border_continues_without_ink_that_touches_it() -> None:
    picture = np.full((40, 40, 1), 200, dtype=np.uint8)
    picture[18:22, :20] = 20
    larger = BY_NAME["scale"](Sheet(picture, ink=True), STRENGTHS, row=0)
    inside = (larger.shape[0] - 40) // 2
    assert (larger[:, :inside] == 200).all()
    assert (larger[inside : inside + 40, inside : inside + 40] == picture).all()


def test_strokes_get_thicker_and_thinner_and_are_never_lost() -> None:
    for size in ((28, 28), (100, 120), (300, 200)):
        picture = drawing(*size, shade=0)
        thick = [
            inked(BY_NAME["thicker strokes"](Sheet(picture, ink=True), k, row=0)) for k in (1, 3, 5)
        ]
        thin = [
            inked(BY_NAME["thinner strokes"](Sheet(picture, ink=True), k, row=0)) for k in (1, 3, 5)
        ]
        amounts = [*reversed(thin), inked(picture), *thick]
        assert amounts == sorted(amounts)
        thinnest = BY_NAME["thinner strokes"](Sheet(picture, ink=True), STRENGTHS, row=0)
        assert inked(thinnest) > 0.15 * inked(picture)


@pytest.mark.parametrize("name", ["thinner strokes", "thicker strokes"])
def test_blank_paper_has_no_strokes(name: str) -> None:
    blank = np.full((30, 30, 3), 180, dtype=np.uint8)
    assert np.array_equal(BY_NAME[name](Sheet(blank, ink=True), STRENGTHS, row=0), blank)


@pytest.mark.parametrize("change", CORRUPTIONS, ids=lambda change: change.name)
def test_light_ink_on_dark_is_changed_like_dark_ink_on_light(change: Corruption) -> None:
    picture = drawing()
    one = change(Sheet(picture, ink=True), 3, row=2).astype(int)
    other = 255 - change(Sheet(255 - picture, ink=True), 3, row=2).astype(int)
    assert np.abs(one - other).max() <= 1


def test_shadows_of_photos_and_of_ink_on_black() -> None:
    black = np.zeros((30, 30, 1), dtype=np.uint8)
    black[10:20, 10:20] = 255
    light = BY_NAME["uneven light"]
    assert light(Sheet(black, ink=False), STRENGTHS, row=0)[:5].max() == 0
    assert light(Sheet(black, ink=True), STRENGTHS, row=0).std() > black.std() / 4
    assert light(Sheet(black, ink=True), STRENGTHS, row=0)[0].max() > 20


def test_faint_pictures_keep_their_contrast() -> None:
    faint = drawing()
    faint = (200 + (faint.astype(float) - 200) * 0.1).astype(np.uint8)
    paler = BY_NAME["low contrast"](Sheet(faint, ink=True), STRENGTHS, row=0)
    assert np.ptp(paler) == pytest.approx(np.ptp(faint), abs=3)


def test_a_negative_is_never_plain_grey_and_keeps_the_hue_of_photos() -> None:
    picture = drawing()
    for strength in range(1, STRENGTHS + 1):
        negative = BY_NAME["negative"](Sheet(picture, ink=True), strength, row=0)
        assert np.corrcoef(picture.ravel(), negative.ravel())[0, 1] < -0.99
        assert np.ptp(negative) > 0.3 * np.ptp(picture)
    assert np.array_equal(negative, 255 - picture)
    red = np.full((4, 4, 3), (150, 50, 50), dtype=np.uint8)
    light_red = BY_NAME["negative"](Sheet(red, ink=False), STRENGTHS, row=0)[0, 0]
    assert light_red[0] > light_red[1] == light_red[2]
    assert light_red.mean() > red.mean()


def test_randomness_depends_on_row_and_seed() -> None:
    picture, noise = drawing(), BY_NAME["noise"]
    one = noise(Sheet(picture, ink=True), 3, row=1)
    assert not np.array_equal(one, noise(Sheet(picture, ink=True), 3, row=2))
    assert not np.array_equal(one, noise(Sheet(picture, ink=True), 3, row=1, seed=1))


def test_occlusion_is_small_and_on_the_drawing() -> None:
    picture = drawing()
    for row in range(5):
        changed = BY_NAME["occlusion"](Sheet(picture, ink=True), STRENGTHS, row=row) != picture
        assert 0.005 < changed.mean() < 0.04


@pytest.mark.parametrize("channels", [1, 3])
def test_large_pictures_work(channels: int) -> None:
    picture = drawing(2000, 1500, channels=channels)
    for name in ("noise", "squared paper", "turn", "thicker strokes"):
        changed = BY_NAME[name](Sheet(picture[:800, :600], ink=True), 3, row=0)
        assert changed.shape[2] == channels
    assert BY_NAME["scale"](Sheet(picture, ink=True), 1, row=0).shape[0] > 2000
