"""Unfinished work stays: drawings, files on the desk, names of classes, and removed pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, Route, expect

from bakeoff.data.decode import decode

from .conftest import (
    ONE,
    SEVEN,
    Served,
    answer,
    choose,
    draw,
    provokes,
    saved,
    serious,
    sideways,
    watched,
)
from .gestures import box_of


def dark(page: Page) -> int:
    """How many points of the paper are dark, once it is there and painted."""
    paper = page.locator("canvas").first
    box_of(paper)
    count: int = paper.evaluate(
        """(canvas) => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, at) => at % 4 === 0 && value < 128).length;
        }"""
    )
    return count


def go(page: Page, room: str) -> None:
    page.get_by_role("navigation").first.get_by_role("link", name=room, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("how", ["another room", "a reload", "the other models"])
def test_a_drawing_on_try_stays(room: Page, served: Served, how: str) -> None:
    draw(room, ONE)
    draw(room, [(0.2, 0.5), (0.8, 0.5)])
    room.keyboard.press("Control+z")
    expect(answer(room, "CNN from scratch")).to_be_visible()
    before = dark(room)
    if how == "another room":
        go(room, "Data")
        go(room, "Try")
    elif how == "a reload":
        room.reload()
    else:
        room.goto(served.at("/try"))
    expect(answer(room, "CNN from scratch")).to_be_visible()
    assert dark(room) == before > 0
    room.keyboard.press("Control+Shift+z")  # with its history
    expect(room.get_by_role("button", name="Redo")).to_be_disabled()
    assert dark(room) > before
    room.get_by_role("button", name="Clear").click()
    expect(room.get_by_text("Draw something")).to_be_visible()
    room.reload()
    expect(room.get_by_text("Draw something")).to_be_visible()
    room.get_by_role("button", name="Undo").click()
    expect(answer(room, "CNN from scratch")).to_be_visible()


def test_files_on_the_desk_stay(room: Page, digits: NDArray[np.uint8], tmp_path: Path) -> None:
    draw(room, SEVEN)
    choose(room, saved(tmp_path, digits[3], "three.png"))
    expect(room.get_by_role("img", name="three.png")).to_be_visible()
    go(room, "Data")
    go(room, "Try")
    expect(room.get_by_role("img", name="three.png")).to_be_visible()
    expect(answer(room, "Plain baseline")).to_have_text("3")
    room.get_by_role("button", name="Draw", exact=True).click()
    assert dark(room) > 0  # the drawing is still there, too
    choose(room, *(saved(tmp_path, one, f"{row}.png") for row, one in enumerate(digits[:4])))
    cells = room.get_by_role("region", name="Pictures and answers").get_by_role("button")
    expect(cells).to_have_count(4)
    go(room, "Data")
    go(room, "Try")
    expect(cells).to_have_count(4)


def begin(page: Page, served: Served, name: str, *classes: str) -> None:
    """A new set with these classes."""
    page.goto(served.at(f"/train/set/{name}"))
    for label in classes:
        page.get_by_label("New class").fill(label)
        page.get_by_label("New class").press("Enter")


def shelves(page: Page) -> Locator:
    """The names of the classes, in their order."""
    return page.locator("article .choose strong")


def test_classes_keep_their_order_and_need_no_picture(page: Page, served: Served) -> None:
    begin(page, served, "zoo", "zebra", "ant", "monkey")
    expect(shelves(page)).to_have_text(["zebra", "ant", "monkey"])
    page.reload()
    expect(shelves(page)).to_have_text(["zebra", "ant", "monkey"])
    another = page.context.new_page()  # a new tab, as after a restart of the browser
    another.goto(served.at("/train"))
    expect(another.get_by_text("No pictures yet, 3 classes: zebra, ant, monkey")).to_be_visible()
    assert serious(another) == []
    another.get_by_role("link", name="zoo").click()
    expect(shelves(another)).to_have_text(["zebra", "ant", "monkey"])
    draw(another, ONE)
    another.keyboard.press("Enter")
    expect(another.get_by_role("button", name="zebra 1 of at least 10")).to_be_visible()
    another.keyboard.press("3")
    draw(another, SEVEN)
    another.keyboard.press("Enter")
    expect(another.get_by_role("button", name="monkey 1 of at least 10")).to_be_visible()
    another.reload()
    expect(shelves(another)).to_have_text(["zebra", "ant", "monkey"])
    another.goto(served.at("/train"))
    another.get_by_role("button", name="Delete zoo").click()
    another.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(another.get_by_role("link", name="zoo")).to_have_count(0)
    begin(another, served, "zoo")
    expect(another.get_by_text("No pictures yet.")).to_be_visible()
    expect(shelves(another)).to_have_count(0)


def test_the_next_drawing_does_not_wait_for_the_server(page: Page, served: Served) -> None:
    begin(page, served, "slow", "line", "hook")
    held: list[Route] = []
    page.route("**/api/sets/slow/pictures?create=true", lambda route: held.append(route))
    draw(page, ONE)
    page.keyboard.press("2")
    with page.expect_request("**/api/sets/slow/pictures?create=true"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add picture")).to_be_disabled()
    assert dark(page) == 0
    page.keyboard.press("1")
    draw(page, SEVEN)
    before = dark(page)
    assert len(held) == 1
    held.pop().continue_()
    expect(page.get_by_role("button", name="hook 1 of at least 10")).to_be_visible()
    assert dark(page) == before > 0
    with page.expect_request("**/api/sets/slow/pictures?create=true"):
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # adds nothing: the paper is empty
    expect(page.get_by_role("button", name="line 0 of at least 10")).to_be_visible()
    assert dark(page) == 0
    provokes(page, "503")
    page.wait_for_timeout(200)
    assert len(held) == 1
    held.pop().fulfill(status=503, json={"detail": "The disk is full."})
    expect(page.get_by_text("The disk is full.")).to_be_visible()
    assert dark(page) == before  # a drawing that was not kept comes back
    page.unroute("**/api/sets/slow/pictures?create=true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="line 1 of at least 10")).to_be_visible()


def test_a_set_without_pictures_is_forgotten_after_a_question(page: Page, served: Served) -> None:
    begin(page, served, "air", "hot")
    page.goto(served.at("/train"))
    page.get_by_role("button", name="Delete air").click()
    expect(page.get_by_role("dialog")).to_contain_text("names of its classes are forgotten")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="air")).to_have_count(0)


def test_a_drawing_for_a_set_stays(page: Page, served: Served) -> None:
    begin(page, served, "half", "line")
    draw(page, ONE)
    before = dark(page)
    page.reload()
    expect(page.get_by_role("button", name="Add picture")).to_be_enabled()
    assert dark(page) == before > 0
    begin(page, served, "other", "line")  # not into another set
    expect(page.get_by_text("Draw here")).to_be_visible()
    assert dark(page) == 0


@pytest.mark.parametrize("way", ["the notice", "undo last"])
def test_a_removed_picture_comes_back(page: Page, served: Served, way: str) -> None:
    name = f"undone by {way}"
    begin(page, served, name, "line", "tick")
    page.get_by_role("button", name="line 0 of at least 10").click()
    page.get_by_label("Made by").fill("ann")
    draw(page, ONE)
    page.get_by_role("button", name="Add picture").click()
    kept = page.get_by_role("list", name="Pictures of line").get_by_role("listitem")
    expect(kept).to_have_count(1)
    [before] = (served.home / "sets" / name / "line").iterdir()
    pixels = decode(before.read_bytes(), "before")
    kept.hover()
    kept.get_by_role("button", name="Delete").click()
    expect(kept).to_have_count(0)
    notice = page.get_by_text("Removed a picture of line.", exact=True)
    expect(notice).to_be_visible()
    assert serious(page) == []
    if way == "the notice":
        page.get_by_role("button", name="Undo", exact=True).last.click()
    else:
        page.get_by_role("button", name="Undo last").click()
    expect(kept).to_have_count(1)
    expect(notice).to_have_count(0)
    [after] = (served.home / "sets" / name / "line").iterdir()
    assert after.name.startswith("ann--")
    assert np.array_equal(decode(after.read_bytes(), "after"), pixels)
    page.get_by_role("button", name="Undo last").click()  # and the addition before it
    expect(kept).to_have_count(0)


def test_the_notice_fits_a_phone(browser: Browser, served: Served) -> None:
    with watched(browser, viewport={"width": 360, "height": 740}, has_touch=True) as page:
        begin(page, served, "small", "a class with quite a long name")
        draw(page, ONE)
        page.get_by_role("button", name="Add picture").click()
        expect(page.get_by_role("button", name="Delete a class")).to_be_visible()
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        page.get_by_role("button", name="Delete a class").click()
        expect(page.get_by_text("Removed a picture of")).to_be_in_viewport()
        assert sideways(page) <= 0
