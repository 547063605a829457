"""Text on drawn pictures: letters of every script, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, features

from bakeoff.bundle import lettering
from bakeoff.bundle.lettering import can_write, draw_line, line_width

BLACK = (0, 0, 0)
needs_layout = pytest.mark.skipif(not features.check("raqm"), reason="Pillow has no raqm here")


def ink(text: str, width: int = 400) -> NDArray[np.bool_]:
    """What is drawn of a text, without the white columns around it."""
    image = Image.new("RGB", (width + 40, 30), "white")
    draw_line(ImageDraw.Draw(image), 20, 4, text, BLACK, width)
    dark = np.asarray(image.convert("L")) < 128
    columns = np.flatnonzero(dark.any(axis=0))
    return dark[:, columns[0] : columns[-1] + 1] if len(columns) else dark[:, :0]


def same(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Whether two parts of a line show the same, up to the rounding of their place."""
    if abs(one.shape[1] - other.shape[1]) > 2:
        return False
    width = min(one.shape[1], other.shape[1])
    differences = [
        (one[:, start:][:, : width - 2] != other[:, : width - 2]).mean() for start in range(3)
    ]
    return bool(min(differences) < 0.04)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafè"),
        ("Ωμέγα", "Ωμήγα"),
        ("жук", "лук"),
        ("שלום", "תלום"),
        ("سلام", "كلام"),
        ("नमक", "कमल"),
        ("ไทย", "ไกย"),
        ("ქარი", "ფარი"),
        ("አበባ", "ሰበባ"),
        ("犬", "猫"),
        ("いぬ", "ねこ"),
        ("개", "새"),
        ("→", "←"),
        ("😀", "🐱"),
    ],
)
def test_letters_of_every_script_are_drawn(one: str, other: str) -> None:
    assert can_write(one + other)
    assert not np.array_equal(ink(one), ink(other))  # two boxes are the same


def test_hebrew_and_arabic_run_from_right_to_left() -> None:
    aleph, mem = ink("א"), ink("מ")
    word = ink("אמ")
    assert same(word[:, -aleph.shape[1] :], aleph)
    assert same(word[:, : mem.shape[1]], mem)
    # Digits inside of them do not.
    assert same(ink("م ٣٤")[:, : ink("٣٤").shape[1]], ink("٣٤"))


@needs_layout
def test_arabic_letters_are_joined_and_marks_are_on_their_letters() -> None:
    assert line_width("سلام") < sum(map(line_width, "سلام")) - 5
    assert line_width("שָׁלוֹם") == pytest.approx(line_width("שלום"), abs=3)
    assert line_width("क्षे") < line_width("क") + line_width("ष")
    assert np.array_equal(ink("cafe\u0301"), ink("café"))


@pytest.mark.parametrize("text", ["abc שלום", "שלום abc"])
def test_scripts_of_both_directions_in_one_line(text: str) -> None:
    latin, hebrew = ink("abc"), ink("שלום")
    line = ink(text)
    left, right = line[:, : latin.shape[1]], line[:, -hebrew.shape[1] :]
    # Read from its first letter: the Latin part is on the left either way.
    assert same(left, latin)
    assert same(right, hebrew)


def test_a_long_line_is_cut_where_it_begins_to_be_too_wide() -> None:
    assert ink("犬" * 50, 100).shape[1] <= 100
    assert ink("ש" * 80, 100).shape[1] <= 100
    assert ink("abc", 100).shape[1] == ink("abc").shape[1]


def test_control_characters_neither_break_the_line_nor_turn_it() -> None:
    assert np.array_equal(ink("a\nb"), ink("a b"))
    assert np.array_equal(ink("a\u202egnp.exe"), ink("a gnp.exe"))  # a name that hides its end


@pytest.fixture
def without_more_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine without the fonts of `bakeoff[cjk]` and without any of the system."""
    caches = (lettering._fonts, lettering._glyph_fonts, lettering._font_of, lettering._kind_of)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(lettering, "CJK", "no_such_fonts")
    monkeypatch.setattr(lettering, "OF_SYSTEMS", ("no-such-font.ttc",))
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("without_more_fonts")
def test_a_letter_without_a_font_is_written_as_its_number() -> None:
    assert not can_write("犬")
    assert np.array_equal(ink("犬"), ink("U+72AC"))
    assert can_write("café שלום नमक 😀")


@pytest.mark.parametrize(
    ("word", "joined", "apart"),
    [
        ("سلام", "\ufeb3\ufefc\ufee1", "\ufeb1\ufedd\ufe8d\ufee1"),
        ("گربه", "\ufb94\ufeae\ufe91\ufeea", "\ufb92\ufead\ufe8f\ufee9"),  # Persian
        ("لڑکا", "\ufedf\ufb8d\ufb90\ufe8e", "\ufedd\ufb8c\ufb8e\ufe8d"),  # Urdu
        ("بيت 3", "\ufe91\ufef4\ufe96 3", "\ufe8f\ufef1\ufe95 3"),
    ],
)
def test_without_a_layout_letters_are_joined(
    word: str, joined: str, apart: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    width = line_width(word) if features.check("raqm") else None
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    assert np.array_equal(ink(word), ink(joined))
    assert not np.array_equal(ink(word), ink(apart))
    assert not same(ink(word), ink(apart))
    if width is not None:  # of the layout, which also draws some letters nearer to each other
        assert line_width(word) == pytest.approx(width, abs=3)
        assert line_width(apart) > width + 5


def test_without_a_layout_letters_still_run_the_right_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    aleph = ink("א")
    assert same(ink("אמ")[:, -aleph.shape[1] :], aleph)
