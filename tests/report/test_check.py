from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.pictures import Pictures
from bakeoff.errors import LeftOut
from bakeoff.evaluation.records import Health, Odd, Suspect
from bakeoff.record.results import DatasetSummary, Duplicate
from bakeoff.record.sheets import SheetReader, sheets_of
from bakeoff.report import check
from bakeoff.report.check import check_page

EVIL = '<script>alert("1")</script>'


@pytest.fixture
def small(tmp_path: Path) -> SheetReader:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    for number, data in enumerate(sheets_of(Pictures.from_array(pixels))):
        (tmp_path / f"{number:04}.webp").write_bytes(data)
    return SheetReader(tmp_path)


def summary(**more: object) -> DatasetSummary:
    fields: dict[str, object] = {
        "name": EVIL,
        "source": "x",
        "understood": EVIL,
        "pictures": 9,
        "classes": ["a", "b"],
        "class_counts": [5, 4],
        "groups": [],
        "group_counts": [],
        "fingerprint": "",
        "left_out": [],
        "duplicates": [],
    }
    return DatasetSummary.model_validate(fields | more)


def test_everything_found_is_shown_with_its_picture_and_no_name_is_run(small: SheetReader) -> None:
    health = Health(
        odd=[Odd(1, EVIL, "a", "empty", EVIL)],
        suspects=[Suspect(2, EVIL, EVIL, "b", 0.012, ["cnn"])],
        giveaways=[],
        words=[EVIL],
    )
    dataset = summary(
        left_out=[LeftOut(EVIL, EVIL, EVIL)],
        duplicates=[
            Duplicate(names=[EVIL, "y"], labels=["a", "b"], exact=True, rows=[3, 4]),
            Duplicate(names=["p", "q"], labels=["a", "a"], exact=True, rows=[5, 6]),
        ],
    )
    page = check_page(dataset, health, small)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 9
    assert page.count("data:image/png;base64,") == 4
    assert "(1.2%)" in page
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)
    titles = ["Doubted labels (1)", "Odd pictures (1)", "The same picture under two classes (2)"]
    assert re.findall(r"<h2>(.*?)</h2>", page) == [*titles, "Left out"]


def test_nothing_found_is_said(small: SheetReader) -> None:
    page = check_page(summary(), Health([], [], [], []), small)
    assert "Nothing was found." in page
    assert "<h2>" not in page


def test_a_long_list_is_cut(small: SheetReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MOST", 2)
    odd = [Odd(row, f"{row}", "a", "empty", "why") for row in range(5)]
    page = check_page(summary(), Health(odd, [], [], []), small)
    assert "Odd pictures (5, the first 2)" in page
    assert page.count("<img") == 2
