"""docs/how-we-score.md: two pages, and each source that it names."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "how-we-score.md").read_text(encoding="utf-8")
SOURCES = (DOCS / "sources.md").read_text(encoding="utf-8")
# Chromium prints so many on two pages of A4: 10 pt Liberation Serif with a line height of 1.25,
# margins of 20 mm.
MOST = 1_380


def test_it_stays_two_pages() -> None:
    assert len(TEXT.split()) <= MOST


def test_every_source_is_listed_once_and_named() -> None:
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", SOURCES, re.MULTILINE)]
    assert listed == list(range(1, len(listed) + 1))
    named = {int(number) for number in re.findall(r"\[(\d+)\]", TEXT)}
    assert named == set(listed)
