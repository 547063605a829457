from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.data.health import backgrounds, far_from_others, odd_pictures, shortcut_accuracy, sizes
from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.data.read import read
from bakeoff.said import Message, Said

from ..strokes import strokes

ALONE = np.arange(200)


def digits() -> NDArray[np.uint8]:
    return np.stack(list(read("digits").pictures))[:300].copy()


def oddities(pixels: NDArray[np.uint8]) -> dict[int, tuple[str, str]]:
    return {
        oddity.row: (oddity.what, oddity.why)
        for oddity in odd_pictures(Pictures.from_array(pixels))
    }


def mixed(pictures: list[NDArray[np.uint8]]) -> Pictures:
    writer = PictureWriter()
    for picture in pictures:
        writer.append(picture)
    return writer.finish()


def sheets(count: int, *, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Grey paper of 24×24 with a dark box somewhere, all of one shade."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        pixels = rng.normal(220, 4, (24, 24, 1))
        top, left = rng.integers(6, 10, 2)
        pixels[top : top + 8, left : left + 8] = 30
        pictures.append(pixels.clip(0, 255).astype(np.uint8))
    return pictures


# -- odd pictures ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "doodles"])
def test_no_ordinary_picture_is_odd(name: str) -> None:
    assert odd_pictures(read(name).pictures) == []


def test_no_stroke_is_odd() -> None:
    assert odd_pictures(strokes().pictures) == []


def test_odd_pictures_among_digits_are_named_with_what_is_odd() -> None:
    pixels = digits()
    pixels[5] = 0
    pixels[6] = 0
    pixels[6, 4, 4] = 200
    pixels[7] = np.random.default_rng(0).integers(0, 9, pixels[7].shape)
    pixels[20] = 255 - pixels[20]
    pixels[30] //= 4
    pixels[31] = 0
    pixels[31, 3, 3:5] = 255
    assert oddities(pixels) == {
        5: ("empty", "there is nothing on it"),
        6: ("ink", "it has 0.051 times as much ink as the others"),
        7: ("empty", "it differs from blank paper by 4 of 255 grey levels at most"),
        20: ("inverted", "it is dark on light, but the others are light on dark"),
        30: ("ink", "its contrast is 0.22 times that of the others"),
        31: ("ink", "it has 0.1 times as much ink as the others"),
    }


def test_what_is_odd_has_a_message_for_each_language() -> None:
    pixels = digits()
    pixels[5] = 0
    pixels[30] //= 4
    [empty, faded] = [one.why for one in odd_pictures(Pictures.from_array(pixels))]
    assert isinstance(empty, Said)
    assert isinstance(faded, Said)
    assert empty.message == Message("odd.nothing")
    assert faded.message.code == "odd.contrast"
    assert faded.message.values["factor"] == pytest.approx(0.22, abs=0.005)


def test_a_speck_on_a_large_sheet_counts_as_empty() -> None:
    pixels = np.stack([picture.repeat(8, 0).repeat(8, 1) for picture in sheets(60)])
    pixels[3] = 220
    pixels[3, 100:112, 100:112] = 20
    assert oddities(pixels) == {3: ("empty", "there is only a speck on it")}


def test_colour_is_taken_as_brightness() -> None:
    pixels = np.stack(sheets(60)).repeat(3, axis=3)
    pixels[4] = 222
    assert [*oddities(pixels)] == [4]


def test_pictures_of_another_size_or_shape() -> None:
    pictures = sheets(60)
    pictures[10] = pictures[10][:, 8:16]
    pictures[11] = pictures[11].repeat(3, 0).repeat(3, 1)
    pictures[12] = pictures[12].repeat(3, 1)
    pictures[13] = pictures[13][6:18, 6:18]
    odd = {oddity.row: oddity for oddity in odd_pictures(mixed(pictures))}
    kinds = {row: oddity.what for row, oddity in odd.items()}
    assert kinds[10] == kinds[12] == "shape"
    assert kinds[11] == "size"
    assert odd[10].why == "of 8×24 pixels, it is much taller than the others"
    assert odd[12].why == "of 72×24 pixels, it is much wider than the others"
    assert odd[11].why == "of 72×72 pixels, it is much larger than the others"


def test_where_half_the_set_is_inverted_nothing_is_odd() -> None:
    pixels = digits()
    pixels[::2] = 255 - pixels[::2]
    assert oddities(pixels) == {}


def test_photos_have_no_polarity() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 24, 24, 3), dtype=np.uint8)
    assert oddities(noise) == {}


def test_outliers_do_not_widen_the_spread() -> None:
    values = np.concatenate([np.linspace(90, 110, 50), [400.0, 20.0]])
    ratios = far_from_others(values)
    assert (ratios[:50] == 1).all()
    assert ratios[50:] == pytest.approx([4, 0.2], rel=0.01)


# -- shortcuts --------------------------------------------------------------------


def test_paper_that_predicts_the_class() -> None:
    pictures = sheets(200)
    answers = ALONE % 2
    for row in np.flatnonzero(answers):
        pictures[row] = np.where(pictures[row] > 100, pictures[row] - 15, 30).astype(np.uint8)
    features = backgrounds(mixed(pictures))
    assert features is not None
    given_away = shortcut_accuracy(features, answers, ALONE)
    assert given_away is not None
    assert given_away.right > 190
    assert given_away.pictures == 200
    assert given_away.chance == 0.5


def test_ink_is_not_part_of_the_background() -> None:
    pictures = sheets(200)
    answers = ALONE % 2
    for row in np.flatnonzero(answers):
        pictures[row][8:16, 6:18] = 30
    features = backgrounds(mixed(pictures))
    assert features is not None
    guessed = shortcut_accuracy(features, answers, ALONE)
    assert guessed is not None
    assert guessed.right < 130


def test_the_colour_of_paper_is_a_feature() -> None:
    pictures = [picture.repeat(3, axis=2) for picture in sheets(200)]
    for picture in pictures[::2]:
        picture[..., 2] -= 20
        picture[..., 0] += 20
    features = backgrounds(mixed(pictures))
    assert features is not None
    guessed = shortcut_accuracy(features, ALONE % 2, ALONE)
    assert guessed is not None
    assert guessed.right > 190


def test_a_size_that_predicts_the_class() -> None:
    pictures = [picture[: 24 - row % 2] for row, picture in enumerate(sheets(200))]
    guessed = shortcut_accuracy(sizes(mixed(pictures)), ALONE % 2, ALONE)
    assert guessed is not None
    assert guessed.right == 200


def test_copies_share_a_fold_so_that_none_is_recognised() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 4)).repeat(2, axis=0)
    answers = rng.integers(0, 2, 100).repeat(2)
    apart = shortcut_accuracy(features, answers, ALONE)
    kept = shortcut_accuracy(features, answers, np.arange(100).repeat(2))
    assert apart is not None
    assert kept is not None
    assert apart.right > 150
    assert kept.right < 130


def test_equal_features_and_tiny_sets_have_no_accuracy() -> None:
    features = np.random.default_rng(0).normal(size=(200, 2))
    assert shortcut_accuracy(np.ones((200, 2)), ALONE % 2, ALONE) is None
    assert shortcut_accuracy(features[:6], np.arange(6) % 3, ALONE[:6]) is None
    assert shortcut_accuracy(features, ALONE % 2, ALONE * 0) is None
    assert backgrounds(Pictures.from_array(digits())) is None


def test_a_picture_with_ink_to_the_border_has_no_background() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 1), dtype=np.uint8)
    features = backgrounds(Pictures.from_array(pixels))
    assert features is not None
    assert not features.any()
