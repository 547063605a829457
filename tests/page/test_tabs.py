"""Reload, Back and two tabs while a run trains; and the page under a finger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bakeoff.record.folder import RunFolder

from .conftest import SEVEN, Served, answer, draw, in_both, sideways, watched
from .gestures import box_of, tap, tap_at
from .test_follow import at_home
from .test_live import Live


@pytest.fixture
def live(finished: RunFolder, tmp_path: Path) -> Live:
    return Live(finished, tmp_path)


@pytest.fixture
def address(live: Live) -> Iterator[str]:
    with at_home(live.home) as (_, address):
        yield address


@in_both
def test_reload_back_and_a_second_tab_while_a_run_trains(
    live: Live, address: str, page: Page
) -> None:
    page.goto(f"{address}/#/train/run/live?then=try")
    expect(page.get_by_text("Try opens when")).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{address}/#/train/run/live")
    expect(tab.get_by_role("progressbar")).to_be_visible()
    live.first()
    expect(page).to_have_url(re.compile("#/try/live"))  # by itself
    draw(page, SEVEN)
    expect(answer(page, "Plain baseline")).not_to_have_text("–")
    tab.get_by_role("link", name="Results so far").click()  # the tab was not sent to Try
    expect(tab.get_by_role("heading", name="Results so far")).to_be_visible()

    page.reload()
    expect(answer(page, "Plain baseline")).not_to_have_text("–")  # the drawing is still there
    expect(page.get_by_role("region", name="Training")).to_contain_text("Still to come: CNN")
    page.go_back()
    expect(page.get_by_role("link", name="Try Baseline")).to_be_visible()
    live.score("cnn")
    expect(page.get_by_role("row", name="CNN")).to_be_visible()
    expect(page).to_have_url(re.compile("#/train/run/live$"))  # and it stays there
    page.go_forward()
    expect(answer(page, "CNN from scratch")).not_to_have_text("–")
    tab.reload()  # while the other tab reads the same events
    expect(tab.get_by_role("region", name="Training")).to_contain_text("The locked test")
    live.finish()
    expect(tab.get_by_role("heading", name="Results so far")).to_have_count(0)
    board = tab.get_by_role("region", name="Leaderboard").first
    expect(board.get_by_role("link", name="CNN from scratch")).to_be_visible()
    expect(page.get_by_role("region", name="Training")).to_have_count(0)
    tab.go_back()
    expect(tab.get_by_role("region", name="Outcome")).to_be_visible()


PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True}


@in_both
def test_labels_are_corrected_by_finger(engine: Browser, made: tuple[Served, RunFolder]) -> None:
    with watched(engine, **PHONE) as page:
        page.goto(made[0].at("/compare/made?view=mistakes"))
        tap(page.get_by_role("region", name="Mistakes of").get_by_role("button").first)
        dialog = page.get_by_role("dialog")
        label = dialog.get_by_role("definition").nth(1).inner_text()
        labels = dialog.get_by_role("region", name="Correct the label")
        other = labels.get_by_role("button", pressed=False).first
        new = str(other.get_attribute("aria-label") or other.inner_text()).split("\n")[-1].strip()
        tap(other)
        now = dialog.get_by_role("status").filter(has_text="Now")
        expect(now).to_have_text(f"Now {new}, was {label}.")
        assert sideways(page) <= 0
        tap(labels.get_by_role("button", name="Undo"))
        expect(now).to_have_count(0)


@in_both
def test_a_set_is_drawn_by_finger(engine: Browser, workshop: str) -> None:
    with watched(engine, **PHONE) as page:
        page.goto(f"{workshop}/#/train/set/by finger in {engine.browser_type.name}")
        page.get_by_label("New class").fill("dot")
        tap(page.get_by_role("button", name="Add class"))
        paper = page.locator("canvas").first
        expect(page.get_by_role("button", name="dot 0 of at least 10")).to_be_visible()
        paper.scroll_into_view_if_needed()
        box = box_of(paper)
        tap_at(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tap(page.get_by_role("button", name="Add picture"))
        dots = page.get_by_role("list", name="Pictures of dot")
        expect(dots.get_by_role("button", name="Delete")).to_have_count(1)
        tap(page.get_by_role("button", name="Undo last"))
        expect(dots).to_have_count(0)
