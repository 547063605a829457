"""Try and Compare while a run goes on: what is scored joins them, without a reload."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bakeoff.record.events import ApproachScored, RunFinished, TimeLeft
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock

from ..made_up_events import run_started
from ..server.test_runs import unfinished
from .conftest import draw, in_both, serious, serving, sideways
from .test_follow import at_home

LINE = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]


class Live:
    """A finished run that happens again, a step at a time."""

    def __init__(self, finished: RunFolder, home: Path) -> None:
        self.finished = finished
        self.home = home
        self.run = unfinished(finished, home / "runs" / "live", 1)
        (self.run.path / "preliminary.json").rename(home / "preliminary.json")
        shutil.rmtree(self.run.path / "bundles")
        (self.run.path / "events.jsonl").unlink()
        names = list(finished.config.names)
        self.run.log(run_started(approaches=names, description="60 pictures, 3 classes"))
        self.lock = RunLock(self.run.path)
        self.lock.__enter__()

    def first(self) -> None:
        shutil.copy(self.home / "preliminary.json", self.run.path)
        self.score("baseline")
        self.run.log(TimeLeft(seconds=90, slowdown=2.0))

    def score(self, name: str) -> None:
        shutil.copytree(self.finished.bundle(name), self.run.bundle(name))
        scored = ApproachScored(approach=name, accuracy=0.9, interval=(0.8, 1.0), bundle=name)
        self.run.log(scored)

    def finish(self) -> None:
        self.run.save_results(self.finished.results(), self.finished.probabilities())
        self.run.log(RunFinished(winner=None, why="It is done."))
        self.lock.__exit__(None, None, None)


@pytest.fixture
def live(finished: RunFolder, tmp_path: Path) -> Live:
    return Live(finished, tmp_path)


@pytest.fixture
def address(live: Live) -> Iterator[str]:
    with at_home(live.home) as (_, address):
        yield address


def test_a_drawing_stays_while_models_come(live: Live, address: str, page: Page) -> None:
    page.goto(f"{address}/")
    expect(page.get_by_text("The first model is being trained")).to_be_visible()
    expect(page).to_have_url(re.compile("try/live"))
    draw(page, LINE)
    expect(page.get_by_role("article")).to_have_count(0)
    live.first()
    baseline = page.get_by_role("article", name="Plain baseline").locator("[data-answer]")
    expect(baseline).not_to_have_text("–")
    expect(page.get_by_text("The first model is being trained")).to_have_count(0)
    training = page.get_by_role("region", name="Training")
    expect(training).to_contain_text("Still to come: CNN")
    expect(training).to_contain_text(
        re.compile(r"other programs keep this machine busy\s· about .* left")
    )
    assert serious(page) == []
    live.score("cnn")
    cnn = page.get_by_role("article", name="CNN from scratch").locator("[data-answer]")
    expect(cnn).not_to_have_text("–")  # the same drawing
    expect(training).to_contain_text("The locked test and the verdict come last")
    live.finish()
    expect(training).to_have_count(0)
    expect(cnn).not_to_have_text("–")
    assert sideways(page) <= 0


def test_results_come_one_by_one(live: Live, address: str, page: Page) -> None:
    page.goto(f"{address}/#/compare")
    expect(page.get_by_text("The first results are on their way")).to_be_visible()
    live.first()
    expect(page.get_by_role("heading", name="Results so far")).to_be_visible()
    expect(page.get_by_text("These figures will still change")).to_be_visible()
    expect(page.get_by_text("still closed")).to_be_visible()
    rows = page.locator("section", has=page.get_by_role("heading", name="Leaderboard"))
    expect(rows.get_by_role("link", name="Plain baseline")).to_be_visible()
    expect(rows.get_by_role("link", name="CNN from scratch")).to_have_count(0)
    assert serious(page) == []
    live.score("cnn")
    live.finish()
    expect(rows.get_by_role("link", name="CNN from scratch")).to_be_visible()
    expect(page.get_by_role("heading", name="Results so far")).to_have_count(0)
    expect(page.get_by_text("These figures will still change")).to_have_count(0)


def test_the_training_leads_to_the_first_model(live: Live, address: str, page: Page) -> None:
    page.goto(f"{address}/#/train/run/live")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("link", name="Results so far")).to_have_count(0)
    live.first()
    page.get_by_role("link", name="Results so far").click()
    expect(page.get_by_role("heading", name="Results so far")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Try Baseline").click()
    expect(page.get_by_role("article", name="Plain baseline")).to_be_visible()


@in_both
def test_models_that_answer_in_one_graph_show_one_time(
    finished: RunFolder, tmp_path: Path, page: Page
) -> None:
    shutil.copytree(finished.path, tmp_path / "runs" / "all")
    with serving(tmp_path / "runs" / "all") as address:
        page.goto(f"{address}/#/try/all")
        cards = page.get_by_role("article")
        expect(cards).to_have_count(2)
        for_all = page.get_by_text(re.compile(r"[\d.]+\s*ms for all"))
        for _ in range(40):  # until their graphs are joined
            draw(page, LINE)
            page.wait_for_timeout(300)
            if for_all.count():
                break
        expect(for_all).to_be_visible()
        for card in cards.all():
            expect(card.locator("[data-answer]")).not_to_have_text("–")
            expect(card).not_to_contain_text(" ms")
        page.close()  # before its server ends
