"""Text in any script on drawn pictures: which font has a letter, and which way it runs.

The fonts are Noto Sans, from a package. Chinese, Japanese and Korean are in one of 20 MB that
`bakeoff[cjk]` installs; without it, fonts of the system are tried. A letter that no font has is
written as its number, U+4E2D.

Pillow lays out letters with libraqm where the system has libfribidi. Elsewhere, as on Windows, it
draws letter after letter: those of Arabic, Persian or Urdu are joined here first, by the forms that
Unicode has for it. Conjuncts of Devanagari and its relatives have no such forms and stay apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from itertools import groupby

from arabic_reshaper import ArabicReshaper
from bidi import get_display
from PIL import ImageDraw, ImageFont, features

__all__ = ["can_write", "draw_line", "line_width"]

SIZE = 14  # pixels
FIRST = "NotoSans[wght].ttf"  # Latin, Greek, Cyrillic, digits and punctuation
LAST = "NotoEmoji[wght].ttf"  # has digits too
REGULAR = 400  # the weight, where a font has several
RIGHT_TO_LEFT = ("NotoSansArabic[wght].ttf", "NotoSansHebrew[wght].ttf")
CJK = "manimgx_fonts_cjk"
OF_SYSTEMS = (  # Pillow looks for these names in the folders of the system
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
    "PingFang.ttc",
    "AppleSDGothicNeo.ttc",
)
IN_NO_FONT = "\U0010ffff"
JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # they change the letters beside them

Font = ImageFont.FreeTypeFont


def draw_line(
    draw: ImageDraw.ImageDraw, x: int, y: int, text: str, colour: tuple[int, int, int], width: int
) -> None:
    """Draw a line of text with its top left corner at x, y, cut if it is wider than `width`."""
    if line_width(text) > width:
        while text and line_width(f"{text}…") > width:
            text = text[:-1]
        text += "…"
    at, baseline = float(x), y + _fonts()[0].getmetrics()[0]  # fonts differ in height
    for font, run, direction in _runs(text):
        draw.text((at, baseline), run, fill=colour, font=font, anchor="ls", direction=direction)
        at += font.getlength(run, direction=direction)


def line_width(text: str) -> float:
    """The width of a line in pixels."""
    return sum(font.getlength(run, direction=direction) for font, run, direction in _runs(text))


def can_write(text: str) -> bool:
    """Whether some font has every letter."""
    return all(_font_of(char) is not None for char in _clean(text))


def _clean(text: str) -> str:
    """Text without control characters, such as line breaks and those that turn the direction."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if char.isprintable() or char in JOINERS else " " for char in composed)


def _runs(text: str) -> Iterator[tuple[Font, str, str | None]]:
    """Font, letters and direction of each part of a line, from left to right."""
    shown = "".join(
        char if _font_of(char) is not None else f"U+{ord(char):04X}" for char in _clean(text)
    )
    layout = features.check("raqm")
    if not layout:
        shown = str(_joining().reshape(shown))
    # What is seen from left to right; letters of right-to-left scripts in reverse.
    letters: list[tuple[tuple[int, bool], str]] = []
    for char in str(get_display(shown)):
        joins = char in JOINERS and letters
        letters.append((letters[-1][0] if joins else _kind_of(char), char))
    for (number, backwards), run in groupby(letters, key=lambda letter: letter[0]):
        part = "".join(char for _, char in run)
        if not layout:  # letter after letter, as they are seen
            yield _glyph_fonts()[number], part, None
        elif backwards:  # in the order of reading again: the layout joins and turns them
            yield _fonts()[number], part[::-1], "rtl"
        else:
            yield _fonts()[number], part, "ltr"


@cache
def _joining() -> ArabicReshaper:
    """Turns letters into their joined forms, and keeps vowel marks."""
    return ArabicReshaper({"delete_harakat": False})


@cache
def _kind_of(char: str) -> tuple[int, bool]:
    """The font of a letter, and whether it runs from right to left. Arabic digits do not."""
    number = _font_of(char) or 0
    strong = unicodedata.bidirectional(char) in ("R", "AL", "NSM")
    return number, strong and number in _right_to_left()


@cache
def _font_of(char: str) -> int | None:
    """The first font that has a letter."""
    glyphs = enumerate(_glyph_fonts())
    return next((number for number, font in glyphs if _mask(font, char) != _missing(font)), None)


def _mask(font: Font, char: str) -> bytes:
    return bytes(font.getmask(char))


@cache
def _missing(font: Font) -> bytes:
    """What a font shows for letters that it does not have."""
    return _mask(font, IN_NO_FONT)


@cache
def _glyph_fonts() -> tuple[Font, ...]:
    """The fonts without the layout, which would put a mark without its letter on a circle."""
    basic = ImageFont.Layout.BASIC
    return tuple(font.font_variant(layout_engine=basic) for font in _fonts())


@cache
def _names() -> tuple[str, ...]:
    """The files of the package, the most general first."""
    names = (entry.name for entry in files("manimgx_fonts").iterdir())
    upright = {name for name in names if name.endswith(".ttf") and "Italic" not in name}
    return (FIRST, *sorted(upright - {FIRST, LAST}), LAST)


@cache
def _right_to_left() -> frozenset[int]:
    return frozenset(_names().index(name) for name in RIGHT_TO_LEFT)


@cache
def _fonts() -> tuple[Font, ...]:
    fonts = [_opened("manimgx_fonts", name) for name in _names()]
    if find_spec(CJK) is not None:
        collections = (entry.name for entry in files(CJK).iterdir())
        return (*fonts, *(_opened(CJK, name) for name in collections if name.endswith(".ttc")))
    for name in OF_SYSTEMS:
        try:
            fonts.append(ImageFont.truetype(name, SIZE))
        except OSError:  # this system has another
            continue
    return tuple(fonts)


def _opened(package: str, name: str) -> Font:
    with as_file(files(package) / name) as path:
        font = ImageFont.truetype(path, SIZE)
    axes = font.get_variation_axes()
    font.set_variation_by_axes(
        [float(REGULAR if axis["name"] == b"Weight" else axis["default"] or 0) for axis in axes]
    )
    return font
