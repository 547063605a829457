from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.report import words


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0"), (999, "999"), (1234, "1 234"), (3_384_000, "3 384 000")]
)
def test_count(number: int, expected: str) -> None:
    assert words.count(number).replace("\u202f", " ") == expected


def test_plural() -> None:
    assert words.plural(1, "class", "classes") == "1 class"
    assert words.plural(2, "class", "classes") == "2 classes"
    assert words.plural(0, "picture") == "0 pictures"


@given(share=st.floats(0, 1, exclude_max=True), digits=st.integers(1, 3))
def test_only_all_is_100_percent(share: float, digits: int) -> None:
    number = float(words.percent(share, digits).removesuffix("\u202f%"))
    assert number < 100
    assert number == pytest.approx(100 * share, abs=1.01 * 10**-digits)


def test_percent() -> None:
    assert words.percent(1.0) == "100.0\u202f%"
    assert words.percent(0.99996) == "99.9\u202f%"
    assert words.percents((0.8871, 0.9), 2) == "88.71–90.00\u202f%"


@pytest.mark.parametrize(
    ("difference", "expected"),
    [(0.012, "+1.2"), (-0.3, "−30.0"), (0.0, "0.0"), (-0.0001, "0.0")],  # noqa: RUF001
)
def test_points(difference: float, expected: str) -> None:
    assert words.points(difference) == expected


def test_figure() -> None:
    assert words.figure(0.12349) == "0.123"
    assert words.figure(math.inf) == "∞"


@pytest.mark.parametrize(
    ("p", "expected"),
    [(None, "–"), (0.0002, "<\u202f0.001"), (0.0312, "0.031"), (0.5, "0.50"), (1.0, "1.00")],
)
def test_p_value(p: float | None, expected: str) -> None:
    assert words.p_value(p) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (89.4, "89 s"), (119.7, "2 min 00 s"), (3725, "1 h 02 min")],
)
def test_seconds(value: float, expected: str) -> None:
    assert words.seconds(value) == expected


def test_milliseconds_and_megabytes_have_three_figures() -> None:
    assert [words.milliseconds(v) for v in (0.4, 68.12, 192.3)] == ["0.40 ms", "68.1 ms", "192 ms"]
    assert [words.megabytes(v) for v in (0.034, 13.5, 752.4)] == ["0.03 MB", "13.5 MB", "752 MB"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-04T09:20:58+00:00", "2025-03-04 09:20 UTC"),
        ("2025-03-04T09:20:58", "2025-03-04 09:20"),
        ("yesterday", "yesterday"),
    ],
)
def test_moment(text: str, expected: str) -> None:
    assert words.moment(text) == expected
