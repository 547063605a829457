"""Room for the canvas, for fingers, and for what opens below."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import (
    SEVEN,
    TRY,
    Served,
    answer,
    draw,
    enter,
    in_both,
    in_both_at_length,
    sideways,
    watched,
)
from .gestures import box_of
from .test_languages import PLACES

LEAST = 22  # px, of what a finger must hit
SMALL = """(least) => [...document.querySelectorAll(
    "a[href], button, select, summary, input:not([type=hidden], [type=file]), [role=button]")]
  .filter((one) => !one.closest("p, li, td, th, dd, svg, [inert]") && one.checkVisibility(
    { opacityProperty: true, visibilityProperty: true }))
  .map((one) => [one, (one.matches("input") && one.closest("label")) || one])
  .map(([one, hit]) => [one, hit.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && box.right > 0 && Math.min(box.width, box.height) < least)
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${box.width | 0}×${box.height | 0}`)
"""


def paper_side(browser: Browser, served: Served, width: int, height: int) -> float:
    with watched(browser, viewport={"width": width, "height": height}) as page:
        page.goto(served.at(TRY))
        expect(page.get_by_text("Draw something")).to_be_visible()
        box = box_of(page.locator("canvas").first)
        assert box["width"] == pytest.approx(box["height"], abs=2)
        return box["width"]


@in_both
def test_the_canvas_uses_a_large_window(engine: Browser, served: Served) -> None:
    small = paper_side(engine, served, 1280, 900)
    large = paper_side(engine, served, 1920, 1080)
    assert large >= 600
    assert large >= 1.25 * small


@in_both
def test_no_room_has_a_strip_beside_it_on_a_phone(engine: Browser, served: Served) -> None:
    with watched(engine, viewport={"width": 390, "height": 844}) as page:
        wide = {}
        for place in PLACES:
            enter(page, served, place)
            wide[place] = sideways(page)
        assert not {place: by for place, by in wide.items() if by > 0}


@in_both_at_length
def test_fingers_hit_every_control(engine: Browser, served: Served) -> None:
    with watched(engine, viewport={"width": 390, "height": 844}) as page:
        small = {}
        for place in PLACES:
            enter(page, served, place)
            small[place] = page.evaluate(SMALL, LEAST)
        assert not {place: found for place, found in small.items() if found}


@in_both
def test_a_correction_opens_where_it_can_be_seen(page: Page, served: Served) -> None:
    page.goto(served.at(TRY))
    draw(page, SEVEN)
    expect(answer(page, "CNN from scratch")).to_be_visible()
    page.get_by_role("button", name="Correct this answer").click()
    expect(page.get_by_role("heading", name="Correct class")).to_be_in_viewport()
    expect(page.get_by_role("button", name="7", exact=True)).to_be_in_viewport()


@in_both
def test_an_approach_keeps_its_colour_and_shape(
    page: Page, served: Served, made: tuple[Served, object]
) -> None:
    marks = []
    for one in (served, made[0]):  # runs of two approaches and of four
        page.goto(one.at(f"/compare/{one.run}"))
        row = page.get_by_role("region", name="Leaderboard").get_by_role("row")
        mark = row.filter(has_text="cnn").locator("svg.mark path").first
        expect(mark).to_be_visible()
        marks.append((mark.get_attribute("d"), mark.get_attribute("fill")))
    assert marks[0] == marks[1]
