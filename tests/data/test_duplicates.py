from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bakeoff.data.duplicates.find import DuplicateGroup, find_duplicates, together
from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.data.read import read

Picture = NDArray[np.uint8]


def collected(pictures: Sequence[Picture]) -> Pictures:
    writer = PictureWriter()
    for picture in pictures:
        writer.append(picture if picture.ndim == 3 else picture[..., None])
    return writer.finish()


def drawing(seed: int, width: int = 160, height: int = 130) -> Picture:
    """Some strokes on white paper."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width, height), 255)
    for _ in range(3):
        ends = [
            tuple(point) for point in (rng.random((4, 2)) * [width, height]).astype(int).tolist()
        ]
        ImageDraw.Draw(image).line(ends, fill=20, width=max(2, width // 30))
    return np.asarray(image)


def scaled(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def as_jpeg(picture: Picture) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def as_colour(picture: Picture) -> Picture:
    return np.repeat(picture[..., None], 3, axis=2)


def test_exact_copies() -> None:
    first, second = drawing(0), drawing(1)
    duplicates = find_duplicates(collected([first, second, first.copy(), first.copy()]))
    assert duplicates == [DuplicateGroup((0, 2, 3), exact=True)]


def test_the_same_pixels_in_another_shape_are_not_exact() -> None:
    stripes = np.tile(np.array([0, 255, 0, 255], dtype=np.uint8), (4, 1))
    assert find_duplicates(collected([stripes, stripes.reshape(2, 8)])) == []


@pytest.mark.parametrize(
    "change",
    [
        as_jpeg,
        as_colour,
        lambda picture: scaled(picture, 80, 65),
        lambda picture: scaled(picture, 320, 260),
        lambda picture: as_jpeg(scaled(picture, 107, 87)),
        lambda picture: (picture * 0.8 + 20).astype(np.uint8),
        lambda picture: np.minimum(picture.astype(int) + 20, 255).astype(np.uint8),
    ],
    ids=["jpeg", "colour", "half", "double", "jpeg of two thirds", "flatter", "brighter"],
)
def test_near_copies(change: Callable[[Picture], Picture]) -> None:
    originals = [drawing(seed) for seed in range(6)]
    duplicates = find_duplicates(collected([*originals, *map(change, originals)]))
    assert duplicates == [DuplicateGroup((row, row + 6), exact=False) for row in range(6)]


def mirrored(picture: Picture) -> Picture:
    return picture[:, ::-1].copy()


@pytest.fixture(scope="module")
def photos() -> list[Picture]:
    """Of clothes, most of them from the front, so that one is much like its mirror image."""
    return [scaled(picture, 90, 120) for picture in read("clothing").pictures[:300:10]]


def test_photos_of_other_things_are_not_copies(photos: list[Picture]) -> None:
    assert find_duplicates(collected(photos)) == []


@pytest.mark.parametrize(
    "change",
    [
        mirrored,
        lambda photo: as_jpeg(mirrored(photo)),
        lambda photo: scaled(mirrored(photo), 60, 80),
    ],
    ids=["mirrored", "saved again", "smaller"],
)
def test_mirrored_photos_are_copies(
    change: Callable[[Picture], Picture], photos: list[Picture]
) -> None:
    duplicates = find_duplicates(collected([*photos, *map(change, photos)]))
    assert duplicates == [DuplicateGroup((row, row + 30), exact=False) for row in range(30)]


def test_exact_and_near_copies_make_one_group() -> None:
    first = drawing(0)
    duplicates = find_duplicates(collected([drawing(1), first, as_jpeg(first), first.copy()]))
    assert duplicates == [DuplicateGroup((1, 2, 3), exact=False)]


def one_stroke_more(picture: Picture) -> Picture:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).line([(70, 60), (80, 70)], fill=20 if picture[65, 75] > 128 else 255)
    ImageDraw.Draw(image).rectangle((4, 4, 14, 14), fill=20)
    return np.asarray(image)


@pytest.mark.parametrize(
    "change",
    [
        one_stroke_more,
        lambda picture: picture[:, ::-1].copy(),
        lambda picture: (picture * 0.3 + 170).astype(np.uint8),
        lambda picture: (picture // 2).astype(np.uint8),
        lambda picture: scaled(picture, 160, 65),
    ],
    ids=["one stroke more", "mirrored", "faint", "dark", "squashed"],
)
def test_pictures_that_are_not_copies(change: Callable[[Picture], Picture]) -> None:
    originals = [drawing(seed) for seed in range(6)]
    assert find_duplicates(collected([*originals, *map(change, originals)])) == []


def test_colour_separates_pictures() -> None:
    red, green = (as_colour(drawing(0)) for _ in range(2))
    ink = drawing(0) < 128
    # Of equal lightness as the mean of the channels, which places them side by side.
    red[ink], green[ink] = (200, 20, 20), (20, 200, 20)
    assert find_duplicates(collected([red, green])) == []
    assert find_duplicates(collected([red, as_jpeg(green), as_jpeg(red)])) == [
        DuplicateGroup((0, 2), exact=False)
    ]


def slanted(lean: float, thick: float) -> Picture:
    """A digit 1 as MNIST has thousands: 28×28, soft edges."""
    down, across = np.mgrid[:28, :28]
    off = np.abs((across - 14) - lean * (down - 14)) / np.hypot(1, lean)
    ink = np.clip(thick - off, 0, 1) * (np.abs(down - 14) < 10)
    return np.asarray(255 * ink, dtype=np.uint8)


def test_ones_by_different_hands_are_not_copies() -> None:
    ones = [slanted(lean, thick) for lean in (-0.6, -0.5, -0.4, -0.3) for thick in (1.2, 1.7, 2.2)]
    assert find_duplicates(collected(ones)) == []


def test_empty_paper_is_only_compared_exactly() -> None:
    rng = np.random.default_rng(0)
    noisy = np.clip(rng.normal(250, 0.7, (50, 64, 64)), 0, 255).astype(np.uint8)
    blank = np.full((500, 64, 64), 255, dtype=np.uint8)
    duplicates = find_duplicates(Pictures.from_array(np.concatenate([noisy, blank])))
    assert duplicates == [DuplicateGroup(tuple(range(50, 550)), exact=True)]


def test_a_thousand_frames_of_one_scene_are_joined_by_their_nearest_few() -> None:
    rng = np.random.default_rng(0)
    scene = drawing(0, 32, 32).astype(int)
    frames = np.clip(scene + rng.normal(0, 6, (1000, 32, 32)), 0, 255).astype(np.uint8)
    duplicates = find_duplicates(Pictures.from_array(frames))
    assert sum(len(group.indices) for group in duplicates) > 990
    assert len(duplicates) <= 3


def test_few_pictures() -> None:
    assert find_duplicates(Pictures.from_array(np.zeros((0, 8, 8), dtype=np.uint8))) == []
    assert find_duplicates(collected([drawing(0)])) == []
    assert find_duplicates(collected([np.full((1, 1), 9, dtype=np.uint8), drawing(0)])) == []


def test_links_are_followed_all_the_way() -> None:
    assert together(6, [(0, 3), (3, 5)]).tolist() == [0, 1, 2, 0, 3, 0]
    writers = np.array([7, 7, 1, 2, 1, 9])
    assert together(6, [(1, 2)], writers).tolist() == [0, 0, 0, 1, 0, 2]


def test_without_links_every_picture_is_alone() -> None:
    ids = together(3, [])
    assert ids.tolist() == [0, 1, 2]
    assert ids.dtype == np.int64
    assert together(0, []).tolist() == []


@given(st.data(), st.integers(1, 30))
def test_linked_share_an_id_and_others_do_not(data: st.DataObject, count: int) -> None:
    rows = st.integers(0, count - 1)
    groups = data.draw(st.lists(st.lists(rows, min_size=1, max_size=4), max_size=8))
    ids = together(count, groups)
    reached = [{row} for row in range(count)]
    for _ in range(count):
        for group in groups:
            union = set().union(*(reached[row] for row in group))
            for row in union:
                reached[row] = reached[row] | union
    for row in range(count):
        assert set(np.flatnonzero(ids == ids[row]).tolist()) == reached[row]
