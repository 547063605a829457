"""What a designer sent back once: tables wider than a phone, cut choices, cards that end apart."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.report.made_up_run import KINDS, make_run

from bakeoff.record.folder import RunFolder
from bakeoff.report import write_report

from .conftest import (
    VIEWS,
    Served,
    all_there,
    enter,
    in_both,
    in_both_at_length,
    settled,
    sideways,
    watched,
)

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


@in_both_at_length
def test_tables_fit_a_phone(
    engine: Browser, served: Served, made: tuple[Served, RunFolder]
) -> None:
    with watched(engine, viewport=PHONE) as page:
        wide = {}
        for view in (one for one in VIEWS if one not in ("mistakes", "sides", "learning")):
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
def test_one_approach_alone_has_its_classes_below_it(
    page: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = make_run(tmp_path_factory.mktemp("alone") / "run", kinds=KINDS[:1], pictures=120)
    [approach] = run.results().approaches
    page.goto(f"{write_report(run).as_uri()}#/compare/run")
    bars = page.get_by_role("region", name="Accuracy and time")
    scores = approach.test or approach.out_of_fold
    assert scores is not None
    classes = sorted(one.accuracy for one in scores.per_class if not one.too_few)
    shown = [f"{100 * share:.1f}\u202f%" for share in classes[:4]]
    rows = bars.get_by_role("list").last.get_by_role("listitem")
    expect(rows.locator(".accuracy")).to_have_text(shown)
    name = rows.first.get_by_role("link").inner_text()
    rows.first.get_by_role("link").click()
    expect(page.get_by_label("Class", exact=True)).to_have_value(name)


@in_both
def test_names_of_calibration_figures_are_one_line(
    page: Page, made: tuple[Served, RunFolder]
) -> None:
    page.set_viewport_size({"width": 1040, "height": 900})  # four cards, as narrow as five at 1280
    enter(page, made[0], "/compare/made?view=calibration")
    names = page.locator("figcaption dt")
    assert names.count() >= 3 * len(made[1].results().approaches)
    lines = names.evaluate_all(
        "all => all.map((one) => one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight))"
    )
    assert max(lines) == pytest.approx(1, abs=0.2)


@in_both
def test_a_drawer_has_the_whole_window_and_moves_nothing(page: Page, served: Served) -> None:
    enter(page, served, "/compare/digits")
    title = settled(page)
    before = title.evaluate(LEFT_OF_TEXT)
    page.get_by_role("button", name="Share").click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_be_visible()
    right = drawer.evaluate("(one) => innerWidth - one.getBoundingClientRect().right")
    assert right == pytest.approx(0, abs=0.5)
    assert title.evaluate(LEFT_OF_TEXT) == pytest.approx(before, abs=0.5)
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_have_count(0)
    assert title.evaluate(LEFT_OF_TEXT) == pytest.approx(before, abs=0.5)


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
