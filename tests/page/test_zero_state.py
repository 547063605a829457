"""A server without any run: the sets that come with bakeoff are there to start with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from .conftest import in_both, launched, serious

SHOWN = """(all) => all.every((one) => one.complete && one.naturalWidth > 0)"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has nothing yet."""
    with launched(tmp_path_factory.mktemp("empty")) as address:
        yield address


@in_both
@pytest.mark.parametrize("place", ["/try", "/compare", "/data"])
def test_without_a_run_a_picture_leads_to_a_first_training(
    page: Page, empty: str, place: str
) -> None:
    page.goto(f"{empty}/#{place}")
    card = page.get_by_role("listitem").filter(has_text="Train on doodles")
    pictures = card.locator("img")
    expect(pictures).to_have_count(8)
    page.wait_for_function(f"({SHOWN})([...document.querySelectorAll('main li img')])")
    assert serious(page) == []
    pictures.nth(3).click(force=True)  # the whole card is the link
    expect(page.get_by_role("heading", name="Train on doodles", level=1)).to_be_visible()
    expect(page.get_by_role("radio", name="quick")).to_be_checked()
