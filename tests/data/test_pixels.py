from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.data.pixels import BYTES, SHARES, SIXTEEN_BITS, PixelRange, picture_shape
from bakeoff.errors import InputError


@given(st.integers(1, 20_000))
def test_no_count_is_grey_and_colour(count: int) -> None:
    shape = picture_shape(count)
    if shape is None:
        return
    height, width, channels = shape
    assert height == width
    assert height * width * channels == count


def test_ranges_by_convention() -> None:
    ranges = [PixelRange.by_convention(0, highest) for highest in (0, 0.3, 1, 2, 255, 65535)]
    assert ranges == [SHARES, SHARES, SHARES, BYTES, BYTES, SIXTEEN_BITS]
    assert PixelRange.by_convention(0, 65536) is None
    assert PixelRange.by_convention(-1, 1) is None
    assert PixelRange.by_convention(0, float("nan")) is None


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        (np.asarray([0.0, 0.2]), SHARES),
        (np.asarray([0, 1], np.uint8), SHARES),
        (np.asarray([0, 9], np.uint8), BYTES),
        (np.asarray([0.0, 128.0]), BYTES),
        (np.asarray([0.0, 16.0]), PixelRange(0, 16)),
        (np.asarray([-1.0, 1.0]), PixelRange(-1, 1)),
        (np.asarray([0, 4000], np.uint16), PixelRange(0, 4000)),
        (np.asarray([7.0, 7.0]), PixelRange(7, 8)),
    ],
)
def test_ranges_of_arrays_from_python(array: np.ndarray, pixels: PixelRange) -> None:
    assert PixelRange.of([array]) == pixels


@pytest.mark.parametrize(
    ("pixels", "factor"),
    [(SHARES, 255.0), (BYTES, 1.0), (SIXTEEN_BITS, 1 / 257), (PixelRange(0, 16), 255 / 16)],
)
def test_readers_get_the_bytes_of_one_product_in_float32(pixels: PixelRange, factor: float) -> None:
    """What files gave when each number was multiplied by a factor, ties included."""
    steps = np.arange(0, 65536, dtype=np.float32) * np.float32(pixels.highest / 65535)
    for values in (steps, np.linspace(0, pixels.highest, 511, dtype=np.float32)):
        product = np.rint(values * np.float32(factor)).astype(np.uint8)
        assert np.array_equal(pixels.to_bytes(values, np.float32), product)
    tenths = (np.arange(11) / 10).astype(np.float32)
    assert SHARES.to_bytes(tenths, np.float32)[3] == 76
    assert SHARES.to_bytes(tenths)[3] == 77


def test_numbers_outside_of_the_range_and_large_blocks() -> None:
    assert SHARES.to_bytes(np.asarray([-1, 0, 0.5, 1, 9])).tolist() == [0, 0, 128, 255, 255]
    many = np.linspace(0, 255, 5000)[:, None]
    assert np.array_equal(BYTES.to_bytes(many), np.rint(many))
    block = np.zeros((2, 3, 3, 1), np.uint8)
    assert BYTES.to_bytes(block) is block


def test_a_scale_unlike_that_of_training_is_refused() -> None:
    with pytest.raises(InputError, match="go up to 200, those of the training pictures to 1"):
        SHARES.check([np.asarray([0.0, 200.0])])
    with pytest.raises(InputError, match=r"go up to 0\.5, those of the training pictures to 255"):
        BYTES.check([np.asarray([0.0, 0.5])])
    SHARES.check([np.asarray([0.0, 1.4])])
    BYTES.check([np.asarray([0, 1], np.uint8)])
