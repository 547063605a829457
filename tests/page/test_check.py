"""The page that `bakeoff check` leaves: the room of pictures alone, opened from disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.data.pictures_made import encoded
from tests.strokes import strokes

from bakeoff.record.folder import RunFolder
from bakeoff.run.checkup import check, check_run

from .conftest import serious, watched


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What looks alone leave of strokes, one of which is there under two classes."""
    folder = tmp_path_factory.mktemp("check")
    dataset = strokes()
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        path = folder / "strokes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture[..., 0]))
    twice = (folder / "strokes" / "dash" / "1.png").read_bytes()
    (folder / "strokes" / "bar" / "copy.png").write_bytes(twice)
    check(folder / "strokes", folder / "found", approaches=())
    return folder / "found"


def test_a_check_opens_from_disk_and_shows_what_was_found(
    browser: Browser, looked: Path, tmp_path: Path
) -> None:
    with watched(browser, offline=True, viewport={"width": 1280, "height": 900}) as page:
        page.goto((looked / "check.html").as_uri())
        expect(page.get_by_role("heading", name="strokes")).to_be_visible()
        expect(page.get_by_text("an identical copy under another class")).to_be_visible()
        expect(page.get_by_role("navigation", name="Rooms")).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download corrections.csv").click()
        download.value.save_as(tmp_path / "carried.csv")
        assert serious(page) == []

        views = page.get_by_role("navigation", name="Views of the data")
        views.get_by_role("link", name="Near-duplicates").click()
        pair = page.locator("li.card").get_by_role("button")
        expect(pair).to_have_count(2)
        pair.first.click()
        expect(page.get_by_role("dialog")).to_contain_text(re.compile("bar/copy|dash/1"))
        expect(page.get_by_role("dialog").get_by_text("Part", exact=True)).to_have_count(0)
    assert (tmp_path / "carried.csv").read_bytes() == (looked / "corrections.csv").read_bytes()


def test_without_models_it_says_so(browser: Browser, looked: Path) -> None:
    with watched(browser, offline=True) as page:
        page.goto(f"{(looked / 'check.html').as_uri()}#/data/strokes?view=labels")
        expect(page.get_by_text("No models were trained")).to_be_visible()
        expect(page.get_by_text(re.compile("^bakeoff check .*strokes"))).to_be_visible()
        page.goto(f"{(looked / 'check.html').as_uri()}#/data/strokes?view=pictures")
        expect(page.get_by_role("button", name="Hardest first")).to_have_count(0)


def test_a_check_with_models_shows_their_answers(
    browser: Browser, trained: RunFolder, tmp_path: Path
) -> None:
    check_run(trained, tmp_path / "found")
    with watched(browser, offline=True) as page:
        page.goto(f"{(tmp_path / 'found' / 'check.html').as_uri()}#/data/x?row=0")
        for one in trained.results().approaches:
            expect(page.get_by_role("dialog")).to_contain_text(one.title)
