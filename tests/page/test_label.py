"""From pictures without any label to a trained model, on the page."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from .conftest import in_both, in_both_at_length, watched
from .pictures import drawn

EACH = 8  # pictures of a box, and of a ring
LOOKING = 120_000  # ms, of a ranking: its process imports torch
TRAINED = 600_000  # ms, of two approaches with a learning curve, on a busy machine


def bring(page: Page, address: str, name: str) -> None:
    """Upload pictures without a class; their names say what they show."""
    page.goto(f"{address}/#/train")
    page.get_by_label("Choose a file").set_input_files(
        [
            FilePayload(
                name=f"{shape}-{number}.png", mimeType="image/png", buffer=drawn(shape, number)
            )
            for number in range(EACH)
            for shape in ("box", "ring")
        ]
    )
    page.get_by_label("Name of the set").last.fill(name)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name=f"Label {name}", level=1)).to_be_visible()
    expect(page.get_by_label("Picture to label")).to_be_visible(timeout=LOOKING)
    for label in ("box", "ring"):
        page.get_by_label("New class").fill(label)
        page.get_by_role("button", name="Add class").click()
    page.get_by_role("heading", level=1).click()  # out of the field: keys are labels now


def named(page: Page) -> Locator:
    """What names the picture that is shown."""
    return page.get_by_label("Picture to label").locator("p").first


def shown(page: Page) -> str:
    """The name of the picture that is shown."""
    return named(page).inner_text()


def press(page: Page, key: str) -> None:
    """A key when the picture can be seen, and wait until another one is shown."""
    before = shown(page)
    expect(page.get_by_label("Picture to label").locator("img")).to_be_visible()
    page.keyboard.press(key)
    expect(named(page)).not_to_have_text(before)


def label_truly(page: Page) -> str:
    name = shown(page)
    press(page, "1" if "box" in name else "2")
    return name


@in_both_at_length
def test_pictures_are_labelled_skipped_set_apart_and_taken_back(
    workshop: str, engine: Browser
) -> None:
    with watched(engine) as page:
        bring(page, workshop, f"waiting {engine.browser_type.name}")
        status = page.get_by_text(re.compile("picture.* without$"))
        expect(status).to_have_text("0 pictures with a label, 16 pictures without")
        first = label_truly(page)
        expect(status).to_have_text("1 picture with a label, 15 pictures without")
        press(page, "u")
        expect(named(page)).to_have_text(first)
        expect(status).to_have_text("0 pictures with a label, 16 pictures without")
        press(page, "s")
        expect(page.get_by_text("Skipped.")).to_be_visible()
        apart = shown(page)
        press(page, "x")
        expect(page.get_by_text("none of these.")).to_be_visible()
        press(page, "u")
        expect(named(page)).to_have_text(apart)
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()


def test_a_stored_set_without_labels_shows_its_pictures(workshop: str, page: Page) -> None:
    files = [
        ("files", (f"{shape}-{number}.png", drawn(shape, number), "image/png"))
        for number in range(EACH)
        for shape in ("box", "ring")
    ]
    httpx.post(f"{workshop}/api/sets", data={"name": "bare"}, files=files).raise_for_status()
    page.goto(f"{workshop}/#/train")
    card = page.get_by_role("article").filter(has=page.get_by_role("link", name="bare", exact=True))
    expect(card).to_contain_text("16 pictures without a label")
    expect(card).not_to_contain_text("0 classes")
    expect(card.locator("img")).to_have_count(5)


@pytest.mark.long
@pytest.mark.timeout(1800)  # it trains two approaches twice
@in_both
def test_from_zero_labels_to_a_retrained_model(workshop: str, engine: Browser) -> None:
    with watched(engine) as page:
        bring(page, workshop, f"zero {engine.browser_type.name}")
        for _ in range(10):
            label_truly(page)
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.get_by_text("You can go on labelling.")).to_be_visible()
        retrain = page.get_by_role("button", name="Retrain")
        expect(retrain).to_be_enabled(timeout=TRAINED)
        expect(page.get_by_text("with 10 labels.")).to_be_visible(timeout=LOOKING)
        expect(page.get_by_text("The models guess")).to_be_visible(timeout=LOOKING)
        for _ in range(4):
            label_truly(page)
        retrain.click()
        expect(page.get_by_text("with 14 labels.")).to_be_visible(timeout=TRAINED)
