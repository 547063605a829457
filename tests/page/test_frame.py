"""The frame of the page: menu, addresses, and what stands there when something is missing."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .conftest import Served, serious


def test_the_menu_leads_to_every_room_and_back(page: Page, served: Served) -> None:
    page.goto(served.address)
    menu = page.get_by_role("navigation", name="Rooms")
    for room in ("Compare", "Data", "Train", "Try"):
        menu.get_by_role("link", name=room).click()
        expect(menu.get_by_role("link", name=room)).to_have_attribute("aria-current", "page")
        assert room in page.title()
    page.go_back()
    expect(menu.get_by_role("link", name="Train")).to_have_attribute("aria-current", "page")


def test_an_address_that_is_none_says_so_and_leads_on(page: Page, served: Served) -> None:
    page.goto(served.at("/attic"))
    expect(page.get_by_role("heading", name="There is no such room")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name="Go to Try").click()
    assert "#/try" in page.url
