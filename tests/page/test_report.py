"""The report of a run, opened from disk."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.report.made_up_run import HOSTILE, KINDS, make_run

from bakeoff.record.folder import RunFolder
from bakeoff.report import write_report
from bakeoff.screen import verdict_shown

from .conftest import VIEWS, Served, in_both, opening, provokes, settled, watched


@pytest.fixture(scope="module")
def carried(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of that run, on disk and away from it."""
    written = write_report(trained)
    return Path(shutil.copy(written, tmp_path_factory.mktemp("mailed"))).as_uri()


def test_the_report_needs_no_server_and_no_network(
    browser: Browser, carried: str, trained: RunFolder
) -> None:
    with watched(browser, offline=True, viewport={"width": 1280, "height": 900}) as page:
        page.goto(carried)
        expect(page.get_by_text(opening(trained.results()))).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("^Try "))).to_have_count(0)
        page.get_by_role("navigation", name="Views").get_by_role("link", name="Confusion").click()
        page.get_by_role("button", name="0 recognised").click()
        tile = page.get_by_role("dialog").get_by_role("img").first
        expect(tile).to_have_css("background-image", re.compile('^url."data:image/webp'))
        page.reload()
        expect(page.get_by_role("dialog")).to_be_visible()


@in_both
def test_one_verdict_stands_in_the_terminal_train_compare_the_report_and_the_cards(
    engine: Browser, carried: str, served: Served, trained: RunFolder
) -> None:
    results = trained.results()
    assert results.verdict is not None
    line = results.verdict.headline
    assert line
    assert verdict_shown(results).plain.startswith(line)
    assert line in results._repr_html_()
    for one in results.approaches:
        assert line in (trained.bundle(one.name) / "README.md").read_text()
    with watched(engine) as page:
        page.goto(served.at("/compare/digits"))
        expect(page.get_by_role("heading", level=1)).to_have_text(line)
        page.goto(served.at("/train/run/digits"))
        outcome = page.get_by_role("region", name="Outcome")
        expect(outcome.get_by_role("heading")).to_have_text(line)
        page.goto(served.at("/train"))
        expect(page.get_by_role("region", name="Runs").get_by_text(line)).to_be_visible()
        provokes(page, "status of 404")  # a run of Python has no log
    with watched(engine) as page:
        page.goto(carried)
        expect(page.get_by_role("heading", level=1)).to_have_text(line)


def test_the_print_has_the_verdict_and_the_tables(browser: Browser, carried: str) -> None:
    with watched(browser, viewport={"width": 1000, "height": 900}) as page:
        page.goto(carried)
        settled(page)
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation", name="Views")).to_be_hidden()
        expect(page.get_by_role("navigation", name="Rooms")).to_be_hidden()
        expect(page.get_by_role("table").first).to_be_visible()


def test_names_are_shown_and_never_obeyed(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", kinds=KINDS[:2], classes=HOSTILE, pictures=120)
    with watched(browser, viewport={"width": 1280, "height": 900}) as page:
        page.on("dialog", lambda _: pytest.fail("a name was obeyed"))
        for name in VIEWS:
            page.goto(f"{write_report(run).as_uri()}#/?view={name}")
            page.reload()
            settled(page)
        page.goto(f"{write_report(run).as_uri()}#/compare/x?view=confusion")
        page.reload()
        expect(page.get_by_role("rowheader", name=HOSTILE[0], exact=True)).to_be_visible()
        expect(page.locator("img")).to_have_count(0)
