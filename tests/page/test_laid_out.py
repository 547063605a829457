"""What a designer sent back once: tables wider than a phone, cut choices, cards that end apart."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from bakeoff.record.folder import RunFolder

from .conftest import Served, all_there, enter, in_both, settled, sideways, watched

PHONE = {"width": 390, "height": 844}
# Tables that a finger would have to move to see their end.
WIDE = """[...document.querySelectorAll(".scroll-x")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.textContent.trim().slice(0, 80))"""
# Choices that are longer than their select, which shows 1.5 em of its own at the right.
CLIPPED = """(one) => {
  const style = getComputedStyle(one), pen = document.createElement("canvas").getContext("2d");
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const room = one.clientWidth - parseFloat(style.paddingLeft) - 1.5 * parseFloat(style.fontSize);
  const texts = [...one.options].map(({ text }) => text);
  return texts.filter((text) => pen.measureText(text).width > room);
}"""
LEFT_OF_TEXT = """(one) => {
  const range = document.createRange();
  range.selectNodeContents(one);
  return range.getBoundingClientRect().left;
}"""


@in_both
def test_tables_fit_a_phone(
    engine: Browser, served: Served, made: tuple[Served, RunFolder]
) -> None:
    with watched(engine, viewport=PHONE) as page:
        wide = {}
        for view in ("overview", "classes", "calibration", "robustness", "curves", "cost"):
            enter(page, made[0], f"/compare/made?view={view}")
            page.evaluate(
                "document.querySelectorAll('details').forEach((one) => (one.open = true))"
            )
            wide[view] = page.evaluate(WIDE)
            assert sideways(page) <= 0
        cards = page.get_by_role("region", name="Parameters").get_by_role("listitem")
        assert cards.count() == len(made[1].results().approaches)
        enter(page, served, "/train/run/digits")
        expect(page.get_by_role("heading", name="Folds")).to_be_visible()
        wide["run"] = page.evaluate(WIDE)
        assert not any(wide.values()), wide
        units = page.get_by_role("listitem").filter(has_text="fold 1")
        expect(units.filter(has_not=page.get_by_role("list"))).to_have_count(2)


@in_both
@pytest.mark.parametrize("width", [390, 1280])
def test_no_choice_of_a_search_is_clipped(engine: Browser, workshop: str, width: int) -> None:
    with watched(engine, locale="fr-FR", viewport={"width": width, "height": 844}) as page:
        page.goto(f"{workshop}/#/tune")
        page.get_by_label("Approche").wait_for()
        clipped = [one.evaluate(CLIPPED) for one in page.locator("form select").all()]
        assert clipped == [[], [], []]


@in_both
def test_cards_of_the_overview_end_together(page: Page, made: tuple[Served, RunFolder]) -> None:
    def bottom(selector: str) -> float:
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        return box["y"] + box["height"]

    for width in (1280, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        enter(page, made[0], "/compare/made")
        assert bottom(".facts") == pytest.approx(bottom(".summary"), abs=2)
        # Who answers what is below the confidence, not at the far end of a wide card.
        mistake = page.get_by_role("region", name="Worst mistakes").get_by_role("button").first
        name, answers = mistake.locator("strong"), mistake.locator(".answers")
        left = [one.evaluate(LEFT_OF_TEXT) for one in (name, answers)]
        assert left[1] == pytest.approx(left[0], abs=16)


@in_both
def test_a_quiet_button_is_in_line_with_its_neighbours(page: Page, served: Served) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, served, "/train/run/digits")
    delete = page.get_by_role("button", name="Delete")
    left = [one.evaluate(LEFT_OF_TEXT) for one in (settled(page), delete)]
    assert left[1] == pytest.approx(left[0], abs=1)


@in_both
def test_named_sets_show_what_is_in_them(page: Page, workshop: str) -> None:
    page.goto(f"{workshop}/#/train")
    all_there(page)
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="doodles"))
    expect(card.locator("img")).to_have_count(8)
    page.wait_for_function("[...document.images].every((one) => one.naturalWidth > 0)")
    card.locator("img").nth(5).click(force=True)  # the whole card is the link
    expect(page.get_by_role("heading", name="Train on doodles", level=1)).to_be_visible()
