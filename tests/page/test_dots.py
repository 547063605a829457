"""A tap of mouse, finger, pen or key draws a dot; paper without ink gets no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import ONE, TRY, Served, answer, draw, in_both, watched
from .gestures import box_of, tap_at

DARK = """(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  let dark = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] < 128) dark++;
  return dark / (width * height);
}"""
DOT = 3.14 * 0.025**2 / 4  # of the paper: a disc as wide as the thin pen


def dark(page: Page) -> float:
    """The share of the paper that is dark, once it is there and painted."""
    paper = page.locator("canvas").first
    box_of(paper)
    return float(paper.evaluate(DARK))


@pytest.fixture
def paper(page: Page, served: Served) -> Page:
    """The room, with a paper where everything can be drawn."""
    page.goto(served.at(TRY))
    expect(page.get_by_text("Draw something")).to_be_visible()
    return page


def by_mouse(page: Page) -> None:
    box = box_of(page.locator("canvas").first)
    page.mouse.click(box["x"] + 100, box["y"] + 100)


def by_resting_mouse(page: Page) -> None:
    box = box_of(page.locator("canvas").first)
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.up()


def by_key(page: Page) -> None:
    page.get_by_role("application", name="Drawing pad").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Space")


def by_pen(page: Page) -> None:
    page.locator("canvas").first.evaluate(
        """(canvas) => {
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          for (const [type, pressure] of [['pointerdown', 0.5], ['pointermove', 0.5],
            ['pointerup', 0]])
            canvas.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, pressure,
              pointerType: 'pen', clientX: box.left + 90, clientY: box.top + 90 }));
        }"""
    )


@pytest.mark.parametrize("tap", [by_mouse, by_resting_mouse, by_key, by_pen])
def test_a_tap_draws_a_dot_that_the_models_see(paper: Page, tap: Callable[[Page], None]) -> None:
    tap(paper)
    expect(answer(paper, "CNN from scratch")).to_be_visible()
    expect(paper.get_by_text("Draw something")).to_be_hidden()
    assert dark(paper) == pytest.approx(DOT, rel=0.2)
    paper.keyboard.press("Control+z")
    expect(paper.get_by_text("Draw something")).to_be_visible()


@in_both
def test_a_finger_dots_the_eyes_of_a_face(engine: Browser, served: Served) -> None:
    view: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
    with watched(engine, **view) as page:
        page.goto(served.at(TRY))
        expect(page.get_by_text("Draw something")).to_be_visible()
        box = box_of(page.locator("canvas").first)
        for x in (0.35, 0.65):
            tap_at(page, box["x"] + x * box["width"], box["y"] + 0.4 * box["height"])
        assert dark(page) == pytest.approx(2 * DOT, rel=0.2)


def test_a_tap_of_the_eraser_takes_out_a_dot(paper: Page) -> None:
    by_mouse(paper)
    paper.get_by_label("Eraser").check(force=True)
    by_mouse(paper)
    assert dark(paper) == 0


def test_erased_paper_gets_no_answer(paper: Page) -> None:
    draw(paper, ONE)
    expect(answer(paper, "CNN from scratch")).to_be_visible()
    paper.get_by_label("Very thick pen").check(force=True)
    paper.get_by_label("Eraser").check(force=True)
    draw(paper, ONE)
    expect(paper.get_by_text("Draw something")).to_be_visible()
    expect(answer(paper, "CNN from scratch")).to_have_count(0)
    paper.keyboard.press("Control+z")
    expect(answer(paper, "CNN from scratch")).to_be_visible()


def test_firefox_draws_the_same_dot(firefox: Browser, site: str) -> None:
    with watched(firefox) as page:
        page.goto(site)
        expect(page.get_by_role("article", name="CNN from scratch")).to_be_visible(timeout=60_000)
        by_mouse(page)
        expect(page.locator("[data-answer]")).to_have_count(2)
        assert dark(page) == pytest.approx(DOT, rel=0.2)
