"""The frame of the page: menu, addresses, and what stands there when something is missing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from bakeoff.record.folder import RunFolder

from .conftest import Served, provokes, serious, serving


def test_the_menu_leads_to_every_room_and_back(page: Page, served: Served) -> None:
    page.goto(served.address)
    menu = page.get_by_role("navigation", name="Rooms")
    for room in ("Compare", "Data", "Train", "Try"):
        menu.get_by_role("link", name=room).click()
        expect(menu.get_by_role("link", name=room)).to_have_attribute("aria-current", "page")
        expect(page).to_have_title(re.compile(room))
    page.go_back()
    expect(menu.get_by_role("link", name="Train")).to_have_attribute("aria-current", "page")


def test_a_room_that_was_left_does_not_change_the_address(page: Page, served: Served) -> None:
    menu = page.get_by_role("navigation", name="Rooms")
    page.goto(served.at("/train"))
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    page.goto(served.at("/compare"))
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    menu.get_by_role("link", name="Train").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Leaderboard")).to_have_count(0)


def test_a_link_that_was_followed_wins_over_a_filter_of_the_room_before(
    page: Page, served: Served
) -> None:
    page.goto(served.at("/compare/digits"))
    leaderboard = page.get_by_role("region", name="Leaderboard")
    column = leaderboard.get_by_role("columnheader").get_by_role("button").last
    # Both in one task, so that the room has not heard of the link yet.
    column.evaluate("button => { location.hash = '#/data/digits'; button.click(); }")
    expect(page).to_have_url(served.at("/data/digits"))
    expect(page).to_have_title(re.compile("Data"))


def test_an_unknown_address_links_to_the_first_room(page: Page, served: Served) -> None:
    page.goto(served.at("/attic"))
    expect(page.get_by_role("heading", name="There is no such room")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name="Go to Try").click()
    expect(page).to_have_url(re.compile("#/try"))


@pytest.mark.parametrize("broken", [1, 2])
def test_a_room_that_cannot_be_loaded_is_asked_for_once_more(
    page: Page, served: Served, broken: int
) -> None:
    """As after an update of the server, or where a connection breaks; never for ever."""
    loads: list[str] = []

    def loaded(request: Request) -> None:
        if request.is_navigation_request():
            loads.append(request.url)

    def answer(route: Route) -> None:
        if len(loads) <= broken:
            route.abort()
        else:
            route.fallback()

    page.on("request", loaded)
    page.route("**/assets/Compare-*.js", answer)
    provokes(page, "Failed to load", "net::ERR_FAILED", "imported module", "module script")
    page.goto(served.at("/compare"))
    if broken > 1:
        expect(page.get_by_text("A part of this page cannot be loaded.")).to_be_visible()
        page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    assert len(loads) == broken + 1


def test_a_protected_server_asks_for_its_token(
    page: Page, trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEOFF_TOKEN", "open sesame")
    with serving(trained.path, "--host", "0.0.0.0") as address:
        page.goto(f"{address}/#/compare/digits")
        page.get_by_label("Token").fill("open barley")
        assert serious(page) == []
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        page.get_by_label("Token").fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
        page.get_by_role("link", name="Try").first.click()
        expect(page.get_by_text("Draw something")).to_be_visible()
        page.goto(f"{address}/#/train")
        expect(page.get_by_role("heading", name="Training is not available")).to_be_visible()
        page.close()  # before its server ends
    provokes(page, "status of 401", "status of 403")
