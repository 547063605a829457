"""Pictures collected on the page, class by class: recorded, dropped, moved, taken back."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from ..data.pictures_made import drawing, encoded
from .conftest import in_both, in_both_at_length, provokes, serious
from .gestures import drop
from .pictures import packed, photo


@in_both_at_length
def test_classes_are_recorded_renamed_and_merged(
    page: Page, workshop: str, request: pytest.FixtureRequest
) -> None:
    page.goto(f"{workshop}/#/train/set/snaps in {request.node.callspec.id}")
    for label in ("mug", "cup", "jug"):
        page.get_by_label("New class").fill(label)
        page.get_by_label("New class").press("Enter")
    page.get_by_role("button", name=re.compile("^1 mug|^mug")).first.click()
    page.get_by_text("Camera", exact=True).click()
    hold = page.get_by_role("button", name="Hold to record")
    expect(hold).to_be_enabled()
    hold.hover()
    page.mouse.down()
    mugs = page.get_by_role("list", name="Pictures of mug")
    expect(mugs.get_by_role("img").nth(2)).to_be_visible()
    page.mouse.up()
    expect(page.get_by_text(re.compile("Recorded [0-9]+ pictures"))).to_be_visible()
    expect(page.get_by_role("button", name="Undo last")).to_be_enabled()
    recorded = mugs.get_by_role("button", name="Delete").count()
    assert recorded >= 3
    page.get_by_role("button", name="Undo last").click()  # all of the recording
    expect(mugs).to_have_count(0)
    hold.focus()
    page.keyboard.press("Enter")  # a tap takes one
    expect(mugs.get_by_role("button", name="Delete")).to_have_count(1)
    expect(page.get_by_role("button", name="Undo last")).to_be_enabled()
    hold.press("Enter")
    expect(mugs.get_by_role("button", name="Delete")).to_have_count(2)

    page.get_by_role("button", name="Edit mug").click()
    page.get_by_label("New name of mug").fill("beaker")
    page.get_by_role("button", name="Rename").click()
    beakers = page.get_by_role("list", name="Pictures of beaker")
    expect(beakers.get_by_role("button", name="Delete")).to_have_count(2)
    page.get_by_role("button", name=re.compile("Another class for")).first.click()
    page.get_by_role("group", name=re.compile("^Class of beaker")).get_by_text("cup").click()
    cups = page.get_by_role("list", name="Pictures of cup")
    expect(cups.get_by_role("button", name="Delete")).to_have_count(1)
    page.get_by_role("button", name="Edit beaker").click()
    page.get_by_label("New name of beaker").fill("CUP")
    page.get_by_role("button", name="Merge into cup").click()
    expect(cups.get_by_role("button", name="Delete")).to_have_count(2)
    expect(page.get_by_role("list", name="Pictures of beaker")).to_have_count(0)
    assert serious(page) == []
    for _ in range(3):  # the merge, the move, the rename
        page.get_by_role("button", name="Undo last").click()
    expect(mugs.get_by_role("button", name="Delete")).to_have_count(2)
    expect(cups).to_have_count(0)
    page.get_by_role("button", name="Edit mug").click()
    page.get_by_role("button", name="Move mug down").click()
    page.reload()
    expect(page.get_by_role("article").nth(0)).to_contain_text("cup")
    expect(page.get_by_role("article").nth(1)).to_contain_text("mug")


def test_undo_waits_for_the_change_that_is_seen_but_not_done(page: Page, workshop: str) -> None:
    page.add_init_script("""
        const fast = window.fetch;
        window.fetch = async (...request) => {
          const summary = /sets\\/slow$/.test(request[0]) && location.hash.endsWith("slow");
          if (summary) await new Promise((done) => setTimeout(done, 1_500));
          return fast(...request);
        };
    """)
    for number, label in enumerate(("cup", "mug")):
        file = {"file": (f"{label}.png", encoded(drawing(number)))}
        added = f"{workshop}/api/sets/slow/pictures?create=true"
        httpx.post(added, data={"label": label}, files=file).raise_for_status()
    page.goto(f"{workshop}/#/train/set/slow")
    cups, mugs = (page.get_by_role("list", name=f"Pictures of {one}") for one in ("cup", "mug"))
    page.get_by_role("button", name="Edit mug").click()
    page.get_by_label("New name of mug").fill("jug")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Renamed", exact=False)).to_be_visible()
    page.get_by_role("button", name="Edit jug").click()
    page.get_by_label("New name of jug").fill("cup")
    page.get_by_role("button", name="Merge into cup").click()
    expect(cups.get_by_role("button", name="Delete")).to_have_count(2)
    page.get_by_role("button", name="Undo last").click()  # the merge, not the rename
    jugs = page.get_by_role("list", name="Pictures of jug")
    expect(jugs.get_by_role("button", name="Delete")).to_have_count(1)
    expect(cups.get_by_role("button", name="Delete")).to_have_count(1)
    expect(mugs).to_have_count(0)


@in_both
def test_pictures_are_dropped_on_a_class(
    page: Page, engine: Browser, workshop: str, tmp_path: Path
) -> None:
    page.goto(f"{workshop}/#/train/set/on a class of {engine.browser_type.name}")
    page.get_by_label("New class").fill("cat")
    page.get_by_label("New class").press("Enter")
    folder = tmp_path / "some" / "deep"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded(drawing(number)))
    (folder / "notes.txt").write_text("no picture")
    drop(page, page.get_by_role("article"), tmp_path / "some")
    cats = page.get_by_role("list", name="Pictures of cat")
    expect(cats.get_by_role("button", name="Delete")).to_have_count(3)
    expect(page.get_by_role("alert")).to_contain_text("notes.txt was not added")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(cats).to_have_count(0)
    provokes(page, "status of 400")


@in_both
def test_a_dropped_file_is_kept_and_comes_back_as_it_was(
    page: Page, engine: Browser, workshop: str, tmp_path: Path
) -> None:
    name = f"as it was in {engine.browser_type.name}"
    page.goto(f"{workshop}/#/train/set/{name}")
    page.get_by_label("New class").fill("cat")
    page.get_by_label("New class").press("Enter")
    given = packed(photo(900, 600), "JPEG")
    (tmp_path / "cat.jpg").write_bytes(given)
    drop(page, page.get_by_role("article"), tmp_path / "cat.jpg")
    cats = page.get_by_role("list", name="Pictures of cat")
    expect(cats.get_by_role("button", name="Delete")).to_have_count(1)
    kept = f"{workshop}/api/sets/{name}/pictures/cat/0001.jpg?original=true"
    assert httpx.get(kept).content == given
    cats.get_by_role("button", name="Delete").click()
    expect(cats).to_have_count(0)
    page.get_by_role("button", name="Undo last").click()
    expect(cats.get_by_role("button", name="Delete")).to_have_count(1)
    assert httpx.get(kept).content == given
    (tmp_path / "huge.jpg").write_bytes(given + bytes(21_000_000))
    drop(page, page.get_by_role("article"), tmp_path / "huge.jpg")
    expect(page.get_by_role("alert")).to_contain_text("larger than 20 MB")
    provokes(page, "status of 413")


def test_a_class_without_pictures_is_remembered_and_can_be_removed(
    page: Page, workshop: str
) -> None:
    page.goto(f"{workshop}/#/train/set/thin air")
    expect(page.get_by_text("No pictures yet.")).to_be_visible()
    page.get_by_label("New class").fill("nothing")
    page.get_by_role("button", name="Add class").click()
    page.reload()
    page.get_by_role("button", name="Remove nothing").click()
    expect(page.get_by_role("button", name="Remove nothing")).to_have_count(0)
