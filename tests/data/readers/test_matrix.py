"""Tables that are one picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.data.readers.tables import read_matrix
from bakeoff.errors import BakeoffError

from .arrays_made import ink


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", "   "])
def test_matrix(mark: str) -> None:
    picture = ink(1, side=28)[0]
    text = "\n".join(mark.join(map(str, line)) for line in picture.tolist())
    result = read_matrix(text.encode(), "a.csv")
    assert result.shape == (28, 28, 1)
    assert result.dtype == np.uint8
    assert np.array_equal(result[..., 0], picture)


def test_matrix_shapes_and_scales() -> None:
    assert read_matrix(b"0,0.5\n1,0\n0,0", "a").tolist() == [[[0], [128]], [[255], [0]], [[0], [0]]]
    assert read_matrix(b"0 1 2 3", "a")[..., 0].tolist() == [[0, 1], [2, 3]]
    assert read_matrix(b"0\n1\n2\n3", "a")[..., 0].tolist() == [[0, 1], [2, 3]]
    assert read_matrix(b"\xef\xbb\xbf0,0\r\n0,0\r\n", "a").sum() == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"1,2\n3", "in row 2 it is too short"),
        (b"1,2\n3,x", "in row 2 field 2 is 'x'"),
        (b'1,2\n"3\n4",5', "in row 2 it is too short"),
        (b"1,2,3", "it holds 1×3 numbers"),
        (b"1,2\n3,300", "not pixels"),
        (b"1,2\n3,-1", "not pixels"),
        (b"1,2\n3,nan", "not pixels"),
        (b"\x89PNG\0", "it is not text"),
    ],
)
def test_no_matrix(data: bytes, message: str) -> None:
    with pytest.raises(BakeoffError, match=message) as caught:
        read_matrix(data, "cat/01.csv")
    assert caught.value.subject == "cat/01.csv"


@given(st.binary(max_size=200) | st.text('0123456789,;. \t\n"x-', max_size=80).map(str.encode))
def test_matrix_is_a_picture_or_a_refusal(data: bytes) -> None:
    try:
        picture = read_matrix(data, "a")
    except BakeoffError:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert min(picture.shape[:2]) >= 2


def test_an_unclosed_quote_is_a_refusal() -> None:
    with pytest.raises(BakeoffError, match="in row 2 its fields cannot be separated"):
        read_matrix(b'0\n"0\n0', "a")
