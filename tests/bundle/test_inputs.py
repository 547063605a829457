from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from bakeoff.bundle.inputs import gather
from bakeoff.errors import BakeoffError, InputError

from ..strokes import strokes

DRAWING = strokes(1).pictures[0]


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_one_picture_in_every_form_is_the_same_pixels(tmp_path: Path) -> None:
    file = tmp_path / "drawing.png"
    file.write_bytes(png(DRAWING[..., 0]))
    matrix = tmp_path / "drawing.csv"
    np.savetxt(matrix, DRAWING[..., 0], fmt="%d", delimiter=",")
    forms: list[Any] = [
        file,
        str(file),
        matrix,
        file.read_bytes(),
        bytearray(file.read_bytes()),
        Image.open(file),
        Image.open(file).convert("RGB"),
        DRAWING,
        DRAWING[..., 0],
        DRAWING[None],
        DRAWING[..., 0].astype(float) / 255,
        DRAWING[..., 0].astype(int),
        [DRAWING],
    ]
    for form in forms:
        found = gather(form)
        assert len(found.pictures) == 1
        assert np.array_equal(found.pictures[0], DRAWING), form
    assert gather(file).names == ("drawing.png",)


def test_a_folder_keeps_names_and_lists_what_cannot_be_read(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.png").write_bytes(png(DRAWING[..., 0]))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    found = gather(tmp_path)
    assert found.names == ("0.png", "1.png", "2.png")
    assert [one.subject for one in found.left_out] == ["broken.png"]


def test_a_list_may_mix_forms_and_sizes(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(np.zeros((4, 6), dtype=np.uint8)))
    found = gather([file, DRAWING, np.zeros((2, 9, 9), dtype=np.uint8)])
    assert [picture.shape for picture in found.pictures] == [
        (4, 6, 1),
        (12, 12, 1),
        (9, 9, 1),
        (9, 9, 1),
    ]
    assert found.names == ("a.png", "[1]", "[2][0]", "[2][1]")


def test_unreadable_files_among_several_are_listed(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(png(DRAWING[..., 0]))
    (tmp_path / "bad.png").write_bytes(b"")
    found = gather([tmp_path / "bad.png", tmp_path / "good.png"])
    assert found.names == ("good.png",)
    assert [one.subject for one in found.left_out] == ["bad.png"]
    with pytest.raises(BakeoffError, match=r"bad\.png"):
        gather([tmp_path / "bad.png"])


def test_a_large_array_is_shrunk_like_a_large_file() -> None:
    large = np.random.default_rng(0).integers(0, 256, (700, 1030, 3), dtype=np.uint8)
    from_array, from_file = gather(large), gather(png(large))
    assert from_array.pictures[0].shape == (348, 512, 3)
    assert np.array_equal(from_array.pictures[0], from_file.pictures[0])


@pytest.mark.parametrize(
    "given",
    [None, 7, {"a": 1}, np.zeros(5), np.zeros((3, 4, 7, 2)), np.full((4, 4), np.nan), object()],
)
def test_other_objects_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"picture"):
        gather(given)


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="empty"):
        gather([])
    with pytest.raises(BakeoffError):
        gather(tmp_path / "missing.png")


def test_an_array_of_too_many_pixels_is_refused_before_it_is_copied() -> None:
    with pytest.raises(InputError, match="60000×1000"):
        gather(np.broadcast_to(np.uint8(0), (60_000, 1000)))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_any_grey_array_of_bytes_is_taken_as_it_is(array: Any) -> None:
    assert np.array_equal(gather(array).pictures[0][..., 0], array)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_a_clear_refusal(data: bytes) -> None:
    with pytest.raises(BakeoffError, match="picture"):
        gather(data)
