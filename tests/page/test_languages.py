"""The page speaks the reader's language, remembers a choice, and fits a phone in each."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import TRY, Served, draw, enter, in_both, serious, sideways, watched

PHONE = {"width": 390, "height": 844}
PLACES = (
    TRY,
    "/compare/digits",
    "/compare/digits?view=confusion",
    "/compare/digits?view=calibration",
    "/data/digits",
    "/data/digits?view=labels",
    "/train",
    "/train?set=digits",
    "/train/set/nothing yet",
    "/train/run/digits",
)


@pytest.mark.parametrize(
    ("locale", "code", "draw_here", "compare"),
    [
        ("de-AT", "de", "Zeichne etwas", "Vergleich"),
        ("hi-IN", "hi", "कुछ बनाएँ", "तुलना"),
        ("pt-BR", "en", "Draw something", "Compare"),
    ],
)
def test_it_speaks_the_browser_s_language_and_loads_no_other(
    browser: Browser, served: Served, locale: str, code: str, draw_here: str, compare: str
) -> None:
    with watched(browser, locale=locale, viewport=PHONE) as page:
        came: list[str] = []
        page.on("request", lambda one: came.append(one.url))
        page.goto(served.at(TRY))
        expect(page.get_by_text(draw_here)).to_be_visible()
        expect(page.get_by_role("link", name=compare)).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", code)
        loaded = {found[1] for url in came if (found := re.search(r"/(\w\w)-[\w-]+\.js$", url))}
        assert loaded == {code}


@pytest.mark.parametrize("locale", ["de-DE", "hi-IN"])
def test_no_room_is_wider_than_a_phone(browser: Browser, served: Served, locale: str) -> None:
    with watched(browser, locale=locale, viewport=PHONE) as page:
        wide = {}
        for place in PLACES:
            enter(page, served, place)
            wide[place] = sideways(page)
        assert not {place: by for place, by in wide.items() if by > 0}


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "fr-FR", "es-ES", "uk-UA", "hi-IN"])
def test_a_phone_shows_all_rooms_and_a_whole_table(
    browser: Browser, served: Served, locale: str
) -> None:
    with watched(browser, locale=locale, viewport=PHONE) as page:
        enter(page, served, "/compare/digits?view=calibration")
        hidden = "(one) => one.scrollWidth - one.clientWidth"
        assert page.locator("header nav").evaluate(hidden) <= 0
        expect(page.locator("main li dd").nth(7)).to_be_attached()  # "sure" in figures, as cards
        tables = page.locator("main [role=region][tabindex='0']").all()
        assert [table.evaluate(hidden) for table in tables if table.is_visible()] == []
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.locator("header nav").evaluate(hidden) <= 0


@in_both
def test_a_choice_is_remembered_and_keeps_the_drawing(page: Page, served: Served) -> None:
    page.goto(served.at(TRY))
    draw(page, [(0.3, 0.3), (0.7, 0.7)])
    expect(page.locator("[data-answer]").first).not_to_have_text("–")
    page.get_by_label("Language").select_option(label="Українська")
    expect(page.get_by_role("heading", level=1)).to_have_text("Спробувати")
    expect(page).to_have_title(re.compile("^Спробувати"))
    expect(page.locator("html")).to_have_attribute("lang", "uk")
    expect(page.locator("[data-answer]").first).not_to_have_text("–")  # the drawing is still there
    expect(page.locator(".share").first).to_have_text(re.compile(r"^\d+,\d%$"))
    assert serious(page) == []
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Спробувати")
    page.get_by_label("Мова").select_option(label="English")
    expect(page.get_by_role("heading", level=1)).to_have_text("Try")
    expect(page.locator("html")).to_have_attribute("lang", "en")
