"""The Tune room, over studies that were made up: searches finished, interrupted and going on."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.record.made_up_study import FAILED, PICKED, PRUNED, SPACES, WORDS, make_study

from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.record.studyfolder import SETTINGS, STUDY
from bakeoff.report import write_report, write_study_report

from .conftest import at_view, in_both, provokes, serious, serving, sideways, watched
from .gestures import box_of
from .test_laid_out import WIDE

VIEWS = ("overview", "history", "importance", "parallel", "pareto", "table")
TRIALS = 12
SCORED = TRIALS - 2  # one is stopped early, one fails


@dataclass(frozen=True)
class Studies:
    """A server over studies that lie in a home folder."""

    address: str
    home: Path

    def at(self, place: str) -> str:
        """The address of a place of the room, such as ``drawings?view=history``."""
        return f"{self.address}/#/tune/{place}"


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studies]:
    """One study that is finished, one with two aims, and one that was interrupted."""
    home = tmp_path_factory.mktemp("home")
    drawings = home / "studies" / "drawings"
    make_study(drawings)
    make_study(home / "studies" / "trade", trials=30, aims=("accuracy", "latency", "size"))
    make_study(home / "studies" / "stopped", done=3, created="2026-11-21T09:00:00+00:00")
    with serving(drawings) as address:
        yield Studies(address, home)


def heading(page: Page, name: str) -> Locator:
    """A heading of the room."""
    return page.get_by_role("heading", name=name, exact=True)


# -- the way in ---------------------------------------------------------------


def test_the_room_lists_studies_and_how_they_stand(page: Page, studies: Studies) -> None:
    page.goto(studies.address)
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Tune").click()
    cards = page.get_by_role("main").get_by_role("listitem")
    expect(cards).to_have_count(3)
    expect(cards.filter(has=heading(page, "drawings"))).to_contain_text("finished")
    stopped = cards.filter(has=heading(page, "stopped"))
    expect(stopped).to_contain_text("interrupted")
    expect(stopped).to_contain_text(f"3 of {TRIALS} trials")
    expect(cards.last).to_contain_text("stopped")  # the oldest
    assert serious(page) == []
    page.get_by_role("link", name="drawings").click()
    expect(page).to_have_url(re.compile("#/tune/drawings$"))
    expect(page).to_have_title("Tune · drawings · bakeoff")
    # What is named here is no run, so it does not go along.
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile("#/compare$"))


def test_without_studies_it_says_how_to_search(page: Page, tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_study(home / "studies" / "drawings")
    with serving(home / "studies" / "drawings") as address:
        shutil.rmtree(home / "studies")
        page.goto(f"{address}/#/tune")
        expect(page.get_by_text("bakeoff tune PICTURES --approach cnn")).to_be_visible()
        assert serious(page) == []
        page.close()  # before its server ends


def test_an_unknown_study_is_refused_with_a_link(page: Page, studies: Studies) -> None:
    page.goto(studies.at("nothing"))
    expect(page.get_by_role("alert")).to_contain_text("There is no study 'nothing'.")
    provokes(page, "status of 404")
    page.get_by_role("link", name="All studies").click()
    expect(heading(page, "Tune")).to_be_visible()


def test_a_damaged_study_says_so(page: Page, studies: Studies) -> None:
    path = studies.home / "studies" / "broken"
    make_study(path)
    (path / STUDY).write_text("{}")
    page.goto(f"{studies.address}/#/tune")
    card = page.get_by_role("listitem").filter(has=heading(page, "broken"))
    expect(card).to_contain_text("damaged")
    expect(card).to_contain_text("does not fit version")
    card.get_by_role("link").click()
    expect(page.get_by_role("alert")).to_contain_text("bakeoff tune")
    provokes(page, "status of 409")
    shutil.rmtree(path)


# -- overview -----------------------------------------------------------------


def test_the_overview_says_what_to_use_and_how(page: Page, studies: Studies) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(studies.at("drawings"))
    expect(heading(page, f"Use trial {PICKED}")).to_be_visible()
    expect(page.get_by_text("is clearly better than the defaults")).to_be_visible()
    expect(page.get_by_text("345 in 3 folds, used by the trials")).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    settings = studies.home / "studies" / "drawings" / SETTINGS
    command = f"bakeoff run '/pictures/my drawings' --settings {settings.resolve()}"
    assert page.evaluate("navigator.clipboard.readText()") == command
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download settings.toml").click()
    assert Path(taken.value.path()).read_bytes() == settings.read_bytes()
    chosen = page.get_by_role("region", name=f"Settings of trial {PICKED}").last
    row = chosen.get_by_role("row").filter(has_text="kernel_size")
    expect(row).to_contain_text("3 · 5")


def test_without_a_clipboard_the_command_is_selected(page: Page, studies: Studies) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(studies.at("drawings"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Press Ctrl-C")).to_be_visible()
    selected = page.evaluate("getSelection().toString()").replace("\n", "")
    assert selected.startswith("bakeoff run ")


def test_it_shows_the_optimism_of_the_search(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings"))
    told = page.get_by_role("region", name="Optimism of the search").first
    expect(told).to_contain_text(re.compile(WORDS.split("%")[0].strip()))
    lines = told.get_by_role("row")
    expect(lines.nth(1)).to_contain_text(re.compile(r"Trial 7 in the search.*98\.0"))
    expect(lines.nth(2)).to_contain_text(re.compile(r"Trial 7 on outer pictures.*95\.3"))
    expect(lines.nth(3)).to_contain_text("The defaults on outer pictures")
    expect(lines.nth(2).get_by_role("img").first).to_have_attribute(
        "aria-label", re.compile(r"95\.3.*interval 88\.6–98\.2")
    )


def test_each_approach_has_its_own_search(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=importance"))
    settings = page.get_by_role("table").get_by_role("rowheader")
    expect(settings).to_have_text(list(SPACES["cnn"][1]))
    page.get_by_text("Vision Transformer from scratch").click()
    expect(settings).to_have_text(list(SPACES["vit"][1]))
    expect(page).to_have_url(re.compile("approach=vit"))


# -- charts -------------------------------------------------------------------


def test_every_trial_is_a_point_of_the_history_and_opens(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=history"))
    chart = page.get_by_role("group", name=re.compile("^Loss of 12 trials in order; best"))
    expect(chart.get_by_role("link")).to_have_count(TRIALS)
    expect(chart.get_by_role("link", name=f"Trial {PRUNED}: stopped early")).to_be_visible()
    expect(chart.get_by_role("link", name=f"Trial {FAILED}: failed")).to_be_visible()
    point = chart.get_by_role(
        "link", name=re.compile(rf"^Trial {PICKED}: loss 0\.070, recommended")
    )
    point.focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name=f"CNN from scratch, trial {PICKED}")
    expect(
        drawer.get_by_role("img", name=re.compile("Training curves: Loss by epoch"))
    ).to_be_visible()
    expect(drawer.get_by_role("rowheader", name="inner 3")).to_be_visible()
    expect(page).to_have_url(re.compile(f"trial={PICKED}"))
    assert serious(page) == []
    drawer.get_by_role("link", name=re.compile(f"^Next.*trial {PICKED + 1}$")).click()
    expect(page.get_by_role("dialog")).to_have_accessible_name(re.compile(f"trial {PICKED + 1}"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile("view=history$"))


def test_a_trial_that_came_to_nothing_says_why(page: Page, studies: Studies) -> None:
    page.goto(studies.at(f"drawings?view=table&trial={PRUNED}"))
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("its loss was among the worse two thirds")
    expect(drawer.get_by_role("img", name=re.compile("Loss by epoch"))).to_be_visible()
    page.goto(studies.at(f"drawings?view=table&trial={FAILED}"))
    expect(drawer).to_contain_text("no longer a number in epoch 2")
    expect(drawer).to_contain_text("No curves")


def test_importance_is_listed_as_shares(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=importance"))
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text(re.compile(r"filters\s*33\W%"))
    page.goto(studies.at("stopped?view=importance"))
    expect(heading(page, "Too few trials yet")).to_be_visible()


def rows(page: Page) -> Locator:
    """The trials that the table holds, by the head of their row."""
    return page.get_by_role("region", name="Trials", exact=True).get_by_role("rowheader")


def test_a_range_on_an_axis_filters_trials(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=parallel"))
    expect(page.get_by_role("status")).to_have_text(f"{SCORED} trials")
    expect(rows(page)).to_have_count(SCORED)
    ends = [page.get_by_role("slider", name=f"kernel_size, {end}") for end in ("from", "to")]
    low, high = (box_of(end) for end in ends)
    x, top = high["x"] + high["width"] / 2, high["y"] + high["height"] / 2
    middle = (top + low["y"]) / 2
    page.mouse.move(x, middle)
    page.mouse.down()
    page.mouse.move(x, middle - 40)
    page.mouse.move(x, top)
    page.mouse.up()
    study = json.loads((studies.home / "studies" / "drawings" / STUDY).read_text())
    trials = study["searches"][0]["trials"]
    fives = [one for one in trials if one["accuracy"] and one["settings"].get("kernel_size") == 5]
    expect(page.get_by_role("status")).to_have_text(f"{len(fives)} of {SCORED} trials shown")
    expect(rows(page)).to_have_count(len(fives))
    expect(page).to_have_url(re.compile("keep=kernel_size"))
    page.reload()  # the address says it all
    expect(page.get_by_role("status")).to_have_text(f"{len(fives)} of {SCORED} trials shown")
    box_of(ends[0])
    page.mouse.click(x, middle + 60)  # a click clears it
    expect(page.get_by_role("status")).to_have_text(f"{SCORED} trials")


def test_a_range_is_moved_by_keyboard(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=parallel"))
    low = page.get_by_role("slider", name="dropout, from")
    low.focus()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    expect(low).to_have_attribute("aria-valuetext", re.compile(r"^0\.25"))
    expect(page.get_by_role("status")).to_have_text(
        re.compile(rf"^[1-{SCORED - 1}] of {SCORED} trials shown$")
    )
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text(f"{SCORED} trials")
    high = page.get_by_role("slider", name="dropout, to")
    high.focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Clear filters").click()
    expect(page).not_to_have_url(re.compile("keep="))


def test_a_row_that_is_pointed_at_lights_its_line(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=parallel"))
    row = page.get_by_role("region", name="Trials").get_by_role("row").nth(3)
    expect(page.locator("path.lit")).to_have_count(0)
    row.hover()
    expect(page.locator("path.lit")).to_have_count(1)
    page.mouse.move(2, 2)
    expect(page.locator("path.lit")).to_have_count(0)
    row.get_by_role("link").focus()
    expect(page.locator("path.lit")).to_have_count(1)
    name = page.locator("a:has(path.line)").first
    name.dispatch_event("pointerenter")
    expect(page.locator("tr.lit")).to_have_count(1)


def test_with_several_aims_there_is_a_front(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings"))
    expect(page.get_by_role("link", name="Trade-off")).to_have_count(0)
    page.goto(studies.at("trade"))
    page.get_by_role("link", name="Trade-off").click()
    study = json.loads((studies.home / "studies" / "trade" / STUDY).read_text())
    front = [one["number"] for one in study["searches"][0]["trials"] if one["front"]]
    chart = page.get_by_role("group", name=re.compile("^Accuracy against time for one picture"))
    expect(chart.get_by_role("link", name=re.compile("on the front"))).to_have_count(len(front))
    expect(rows(page)).to_have_count(len(front))
    page.get_by_text("Size", exact=True).first.click()
    expect(heading(page, "Accuracy against size")).to_be_visible()
    page.goto(studies.at("trade?view=history&score=size"))
    expect(page.get_by_role("group", name=re.compile("^Size of 30 trials"))).to_be_visible()


# -- table --------------------------------------------------------------------


def test_the_table_sorts_filters_and_is_downloaded(page: Page, studies: Studies) -> None:
    page.goto(studies.at("drawings?view=table"))
    table = page.get_by_role("region", name="Trials")
    expect(rows(page)).to_have_count(TRIALS)
    table.get_by_role("button", name="Accuracy").click()
    expect(table.get_by_role("rowheader").first).to_have_accessible_name(f"Trial {PICKED}")
    header = table.get_by_role("columnheader", name="Accuracy")
    expect(header).to_have_attribute("aria-sort", "descending")
    table.get_by_role("button", name="Accuracy").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(page).to_have_url(re.compile("sort=-accuracy"))
    table.get_by_role("button", name="learning_rate").click()
    page.get_by_text("Stopped early", exact=True).click()
    expect(table.get_by_role("rowheader")).to_have_count(1)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download trials.csv").click()
    assert Path(taken.value.path()).read_bytes() == b"approach,number\r\ncnn,0\r\n"
    table.get_by_role("link").click()
    expect(page.get_by_role("dialog")).to_contain_text("stopped early")


@in_both
def test_trials_are_cards_on_a_phone(engine: Browser, studies: Studies) -> None:
    with watched(engine, viewport={"width": 390, "height": 844}) as page:
        page.goto(studies.at("drawings?view=table"))
        trials = page.get_by_role("region", name="Trials", exact=True)
        cards = trials.get_by_role("listitem")
        expect(cards).to_have_count(TRIALS)
        trials.get_by_label("Sort by").select_option("Accuracy")
        expect(cards.first.get_by_role("link")).to_have_text(f"Trial {PICKED}")
        expect(cards.filter(has_text=f"Trial {PRUNED}")).to_contain_text("stopped early")
        # All figures of the trial, with their names.
        study = json.loads((studies.home / "studies" / "drawings" / STUDY).read_text())
        best = study["searches"][0]["trials"][PICKED]
        expect(cards.first).to_contain_text(f"{100 * best['accuracy']:.1f}\u202f%")
        for name in study["searches"][0]["space"]:
            expect(cards.first.get_by_text(name, exact=True)).to_be_visible()
        trials.get_by_role("button", name="Reverse the order").click()
        expect(page).to_have_url(re.compile("sort=-accuracy"))
        expect(cards.first.get_by_role("link")).not_to_have_text(f"Trial {PICKED}")
        assert serious(page) == []
        cards.first.get_by_role("link").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        wide = {"trial": page.evaluate(WIDE)}
        for view in VIEWS:
            page.goto(studies.at(f"trade?view={view}"))
            at_view(page, view)
            expect(page.get_by_role("heading", level=2).first).to_be_visible()
            wide[view] = page.evaluate(WIDE)
            assert sideways(page) <= 0
        assert not any(wide.values()), wide


# -- as it goes on ------------------------------------------------------------


def test_a_search_is_followed_until_it_is_finished(page: Page, studies: Studies) -> None:
    path = studies.home / "studies" / "going"
    make_study(path, done=0)
    with RunLock(path):
        page.goto(studies.at("going?view=history"))
        expect(page.get_by_text(f"0 of {TRIALS} trials are done")).to_be_visible()
        expect(page.get_by_text("running").first).to_be_visible()
        assert serious(page) == []
        make_study(path, done=3)
        expect(page.get_by_text(f"3 of {TRIALS} trials are done")).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("^Trial 2: loss"))).to_be_visible()
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="is the best so far")).to_be_visible()
    progress = page.get_by_role("region", name="Progress")
    expect(progress.get_by_role("button", name="Resume")).to_be_visible()
    expect(progress.get_by_text("Finished trials are kept.")).to_be_visible()
    expect(progress.get_by_text("bakeoff tune --resume")).to_have_count(0)  # one way is enough
    make_study(path)
    expect(heading(page, f"Use trial {PICKED}")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    shutil.rmtree(path)


def test_a_lost_server_is_reported_and_retried(page: Page, studies: Studies) -> None:
    page.goto(studies.at("stopped"))
    expect(page.get_by_text("is the best of the finished trials")).to_be_visible()
    page.route("**/api/studies", lambda route: route.abort())
    expect(page.get_by_text("the server does not respond; retrying")).to_be_visible()
    page.unroute("**/api/studies")
    expect(page.get_by_text("the server does not respond")).to_have_count(0)
    provokes(page, "ERR_FAILED")


# -- how it looks -------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_fits_and_can_be_used_by_all(
    browser: Browser, studies: Studies, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    with watched(browser, viewport=size, color_scheme=scheme) as page:
        for view in VIEWS:
            page.goto(studies.at(f"trade?view={view}"))
            at_view(page, view)
            expect(page.get_by_role("heading", level=2).first).to_be_visible()
            assert sideways(page) <= 0, view
            assert serious(page) == [], view
        menu = page.get_by_role("navigation", name="Rooms")
        assert menu.evaluate("one => one.scrollWidth - one.clientWidth") <= 0


# -- the report ---------------------------------------------------------------


@pytest.fixture
def carried(tmp_path: Path) -> str:
    """The address of the report of a study, on disk and away from it."""
    make_study(tmp_path / "drawings", name="<b>drawings</b>", trials=14)
    written = write_study_report(tmp_path / "drawings")
    (tmp_path / "mailed").mkdir()
    return Path(shutil.copy(written, tmp_path / "mailed")).as_uri()


def test_the_report_opens_from_disk(browser: Browser, carried: str) -> None:
    with watched(browser, viewport={"width": 1280, "height": 900}, offline=True) as page:
        page.goto(carried)
        expect(heading(page, f"Use trial {PICKED}")).to_be_visible()
        expect(heading(page, "<b>drawings</b>")).to_be_visible()
        expect(page.get_by_role("navigation", name="Rooms")).to_have_count(0)
        expect(page.get_by_role("link", name="All studies")).to_have_count(0)
        for view in ("History", "Importance", "Parallel coordinates", "Table"):
            page.get_by_role("link", name=view).click()
            expect(page.get_by_role("heading", level=2).first).to_be_visible()
            assert serious(page) == []
        with page.expect_download() as taken:
            page.get_by_role("button", name="Download trials.csv").click()
        with Path(taken.value.path()).open(newline="") as file:
            trials = list(csv.DictReader(file))
        assert [one["approach"] for one in trials] == ["cnn"] * 14 + ["vit"] * 14
        assert (trials[0]["kernel_size"], trials[0]["filters"]) == ("3", "none")
        page.get_by_role("region", name="Trials").get_by_role("link", name="Trial 7").click()
        expect(page.get_by_role("dialog").get_by_text("Training curves")).to_be_visible()


def test_the_report_of_a_run_has_no_such_room(
    browser: Browser, trained: RunFolder, tmp_path: Path
) -> None:
    written = Path(shutil.copy(write_report(trained), tmp_path))
    with watched(browser) as page:
        page.goto(f"{written.as_uri()}#/tune")
        expect(heading(page, "There is no such room")).to_be_visible()
        menu = page.get_by_role("navigation", name="Rooms")
        expect(menu.get_by_role("link")).to_have_text(["Compare", "Data"])
