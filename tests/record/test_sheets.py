from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bakeoff.errors import BakeoffError
from bakeoff.record.sheets import ACROSS, PER_SHEET, SIDE, SheetReader, sheets_of

Picture = NDArray[np.uint8]


@contextmanager
def written(pictures: list[Picture]) -> Iterator[SheetReader]:
    """A reader of a folder with the sheets of these pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for number, sheet in enumerate(sheets_of(pictures)):
            Path(folder, f"{number:04}.webp").write_bytes(sheet)
        yield SheetReader(Path(folder))


def pixels(shape: tuple[int, int, int], seed: int) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def middle(square: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """The pixels of a picture of that size in the middle of its square; nothing is beside it."""
    array = np.asarray(square)
    top, left = (square.height - height) // 2, (square.width - width) // 2
    inside = np.zeros(array.shape[:2], dtype=np.bool_)
    inside[top : top + height, left : left + width] = True
    assert np.array_equal(array[..., 3], np.where(inside, 255, 0))
    return array[top : top + height, left : left + width, :3]


SHAPES = st.tuples(st.integers(1, SIDE), st.integers(1, SIDE), st.sampled_from([1, 3]))


@settings(max_examples=40)
@given(st.lists(SHAPES, min_size=1, max_size=40), st.integers(0, 2**32))
def test_small_pictures_of_any_sizes_and_colours_come_back_to_the_pixel(
    shapes: list[tuple[int, int, int]], seed: int
) -> None:
    pictures = [pixels(shape, seed + row) for row, shape in enumerate(shapes)]
    with written(pictures) as reader:
        assert reader.tile == max(max(shape[:2]) for shape in shapes)
        for row, picture in enumerate(pictures):
            shown = middle(reader[row], *picture.shape[:2])
            assert np.array_equal(shown, np.broadcast_to(picture, shown.shape))


@settings(max_examples=6)
@given(st.integers(PER_SHEET - 1, 3 * PER_SHEET + 1))
def test_many_sheets_keep_the_order(count: int) -> None:
    pictures = [np.full((2, 2, 3), (row % 251, row // 251, 7), np.uint8) for row in range(count)]
    with written(pictures) as reader:
        assert len(reader.paths) == -(-count // PER_SHEET)
        for row in range(count):
            assert reader[row].getpixel((1, 1)) == (row % 251, row // 251, 7, 255)


def test_a_sheet_is_as_tall_as_it_must_be() -> None:
    (one,) = sheets_of([pixels((5, 3, 1), 0)] * (ACROSS + 1))
    with Image.open(io.BytesIO(one)) as image:
        assert image.size == (ACROSS * 5, 2 * 5)


@pytest.mark.parametrize("shape", [(192, 96, 1), (1, 5000, 3), (5000, 1, 1), (400, 300, 3)])
def test_large_pictures_are_made_small_and_no_side_vanishes(shape: tuple[int, int, int]) -> None:
    with written([np.full(shape, 130, dtype=np.uint8)]) as reader:
        assert reader.tile == SIDE
        height, width = (max(1, side * SIDE // max(shape)) for side in shape[:2])
        shown = middle(reader[0], height, width)
        assert np.abs(shown.astype(int) - 130).max() <= 2


def test_photos_are_packed_with_loss_and_drawings_are_not() -> None:
    colour, grey = pixels((120, 120, 3), 0), pixels((120, 120, 1), 0)
    assert b"VP8L" in next(sheets_of([grey]))[:64]
    assert b"VP8L" not in next(sheets_of([colour]))[:64]


# -- what is lost or damaged --------------------------------------------------------


@pytest.fixture
def reader(tmp_path: Path) -> SheetReader:
    """Three sheets; the first square of each is of the colour 10 × its number."""
    for number in range(3):
        (sheet,) = sheets_of([np.full((4, 4, 1), 10 * number, np.uint8)])
        (tmp_path / f"{number:04}.webp").write_bytes(sheet)
    (tmp_path / "index.json").write_text("{}")
    (tmp_path / "notes.webp").write_text("no sheet")
    return SheetReader(tmp_path)


def test_a_sheet_that_is_lost_is_told_and_moves_no_picture(reader: SheetReader) -> None:
    reader.paths[1].unlink()
    fresh = SheetReader(reader.folder)
    assert fresh[2 * PER_SHEET].getpixel((0, 0)) == (20, 20, 20, 255)
    with pytest.raises(BakeoffError, match=r"0001\.webp: is not there .* Delete .* --resume"):
        fresh[PER_SHEET]


def test_a_row_behind_the_last_sheet_is_told(reader: SheetReader) -> None:
    with pytest.raises(BakeoffError, match=r"0003\.webp: is not there"):
        reader[3 * PER_SHEET]


def test_a_folder_without_sheets_is_told(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"0000\.webp: is not there"):
        _ = SheetReader(tmp_path / "nowhere").tile


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_sheet_is_told_or_read_never_a_crash(data: st.DataObject) -> None:
    (sheet,) = sheets_of([pixels((8, 8, 3), 0)] * 20)
    cut = data.draw(st.integers(0, len(sheet)))
    flipped = bytearray(sheet[:cut] if data.draw(st.booleans()) else sheet)
    for place in data.draw(st.lists(st.integers(0, max(0, len(flipped) - 1)), max_size=4)):
        if flipped:
            flipped[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "0000.webp")
        path.write_bytes(flipped)
        with suppress(BakeoffError):
            assert SheetReader(Path(folder))[0].mode == "RGBA"


def test_a_sheet_cut_short_is_told(reader: SheetReader) -> None:
    reader.paths[0].write_bytes(reader.paths[0].read_bytes()[:-10])
    with pytest.raises(BakeoffError, match=r"0000\.webp: is not there or damaged"):
        reader[0]
