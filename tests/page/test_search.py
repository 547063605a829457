"""Searches and learning curves that are started on the page, over a real server."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import Served, in_both, provokes, serious


@pytest.fixture(scope="module")
def shapes(workshop: str) -> Iterator[str]:
    """The address of a server with a set of bars and dots."""
    for label, width in (("bar", 2), ("dot", 8)):
        for number in range(10):
            pixels = np.full((16, 16), 255, dtype=np.uint8)
            pixels[3 + number % 3 : 12, 4 : 4 + width] = 10 * number
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            httpx.post(
                f"{workshop}/api/sets/shapes/pictures",
                params={"create": "true"},
                data={"label": label},
                files={"file": (f"{number}.png", file.getvalue())},
                timeout=60,
            ).raise_for_status()
    yield workshop
    for study in httpx.get(f"{workshop}/api/studies").json():
        httpx.post(f"{workshop}/api/studies/{study['name']}/cancel", timeout=60)


def start_search(page: Page, address: str) -> None:
    page.goto(f"{address}/#/tune")
    page.get_by_role("combobox", name="Set").select_option("shapes")
    page.get_by_role("combobox", name="Approach").select_option("baseline")
    page.get_by_role("spinbutton", name="Trials").fill("2")
    page.get_by_role("button", name="Start search").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


@in_both
def test_a_search_is_started_stopped_and_deleted_on_the_page(page: Page, shapes: str) -> None:
    start_search(page, shapes)
    assert serious(page) == []
    page.get_by_role("button", name="Start search").click()
    expect(page.get_by_role("alert")).to_contain_text("is still in progress")
    provokes(page, "409")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Delete").click(timeout=60_000)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No studies yet")).to_be_visible()


@pytest.mark.long
def test_a_search_is_watched_to_its_end(page: Page, shapes: str) -> None:
    start_search(page, shapes)
    page.get_by_role("link", name=re.compile("^shapes-20")).click(timeout=300_000)
    finished = page.get_by_role("main").get_by_text("finished", exact=True)
    expect(finished).to_be_visible(timeout=300_000)
    expect(page.get_by_role("region", name="Progress")).to_be_hidden()
    page.goto(f"{shapes}/#/tune")
    expect(page.get_by_text("2 of 2 trials")).to_be_visible()


@in_both
def test_a_learning_curve_is_started_on_the_page(page: Page, served: Served) -> None:
    # Answered here: the run is that of other tests too, and tests of the server start one.
    page.route("**/api/runs/digits/curve", lambda route: route.fulfill(json={}))
    page.goto(served.at("/compare/digits?view=learning"))
    with page.expect_request("**/api/runs/digits/curve") as started:
        page.get_by_role("button", name="Measure it now").click()
    assert started.value.method == "POST"
    expect(page).to_have_url(re.compile("#/train/run/digits"))


@pytest.mark.long
def test_a_learning_curve_is_watched_to_its_end(page: Page, shapes: str) -> None:
    wanted = {"set": "shapes", "approaches": ["baseline"], "budget": "quick", "folds": 2, "test": 0}
    started = httpx.post(f"{shapes}/api/training", json=wanted | {"name": "curved"}, timeout=60)
    started.raise_for_status()
    page.goto(f"{shapes}/#/train/run/curved")
    outcome = page.get_by_role("region", name="Outcome")
    expect(outcome).to_be_visible(timeout=300_000)
    page.goto(f"{shapes}/#/compare/curved?view=learning")
    page.get_by_role("button", name="Measure it now").click()
    expect(page).to_have_url(re.compile("#/train/run/curved"))
    expect(outcome).to_be_visible(timeout=300_000)
    page.goto(f"{shapes}/#/compare/curved?view=learning")
    expect(page.get_by_role("button", name="Measure it now")).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("accuracy by pictures"))).to_be_visible()
