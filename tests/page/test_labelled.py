"""Many pictures with their classes: zips, folders and tables show pictures and score the models."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from .conftest import (
    TRY,
    Served,
    answer,
    choose,
    in_both,
    provokes,
    saved,
    serious,
    sideways,
    watched,
)
from .gestures import drop

COUNT = 12
WRONG = 5  # this one is filed under another class


@pytest.fixture(params=["server", "browser"])
def opened(request: pytest.FixtureRequest, page: Page) -> Page:
    """The room with a server, or on the static page."""
    if request.param == "server":
        page.goto(request.getfixturevalue("served").at(TRY))
    else:
        page.goto(request.getfixturevalue("site"))
    expect(page.get_by_text("Draw something")).to_be_visible(timeout=60_000)
    return page


@pytest.fixture
def folder(digits: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Twelve digits in class folders; one of them in the wrong one."""
    root = tmp_path / "some digits"
    for row in range(COUNT):
        label = "0" if row == WRONG else str(row % 10)
        (root / label).mkdir(parents=True, exist_ok=True)
        saved(root / label, digits[row], f"{row:02}.png")
    return root


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for file in sorted(folder.rglob("*.png")):
            pack.write(file, file.relative_to(folder.parent))
        pack.writestr("__MACOSX/some digits/0/._00.png", b"litter")
    return path


def table(digits: NDArray[np.uint8], path: Path) -> Path:
    """The same twelve as Kaggle writes them."""
    header = ",".join(["label", *(f"pixel{n}" for n in range(64))])
    rows = [
        [0 if row == WRONG else row % 10, *digits[row].ravel().tolist()] for row in range(COUNT)
    ]
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    return path


def cells(page: Page) -> Locator:
    return page.get_by_role("region", name="Pictures and answers").get_by_role("button")


def scored(page: Page) -> None:
    """Every picture is shown, and the models are scored by the classes of the files."""
    expect(cells(page)).to_have_count(COUNT)
    expect(cells(page).get_by_role("presentation")).to_have_count(COUNT)
    loaded = "(all) => all.every((one) => one.complete && one.naturalWidth > 0)"
    page.wait_for_function(
        f"() => ({loaded})([...document.querySelectorAll('.cell img')])"
        f" && document.querySelectorAll('.cell img').length === {COUNT}"
    )
    models = page.get_by_role("list", name="Models").get_by_role("listitem")
    expect(models.filter(has_text="Plain baseline")).to_contain_text(
        f"{COUNT - 1} of {COUNT} right"
    )
    expect(page.get_by_text("name the class of every picture")).to_be_visible()
    page.get_by_text(re.compile(r"^Wrong \d")).click()
    # The CNN may be wrong about others, too.
    wrong = cells(page).filter(has_text=re.compile("5.*, wrong")).filter(has_text="0 ·")
    expect(wrong).to_have_count(1)
    assert serious(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    of_baseline = [row for row in csv.DictReader(io.StringIO(text)) if row["model"] == "baseline"]
    labels = sorted(row["label"] for row in of_baseline)
    assert labels == sorted("0" if row == WRONG else str(row % 10) for row in range(COUNT))
    wrong.click()
    expect(answer(page, "Plain baseline")).to_have_text("5")
    expect(page.get_by_text("Labelled 0")).to_be_visible()
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_role("img", name=re.compile("^Occlusion map"))).to_have_count(
        2, timeout=60_000
    )


@in_both
def test_a_zip_of_class_folders(opened: Page, folder: Path) -> None:
    choose(opened, zipped(folder))
    scored(opened)


@in_both
def test_a_table_with_labels(opened: Page, digits: NDArray[np.uint8], tmp_path: Path) -> None:
    choose(opened, table(digits, tmp_path / "digits.csv"))
    scored(opened)


def test_a_table_that_is_one_picture_says_so_and_is_kept_as_a_picture(
    opened: Page, digits: NDArray[np.uint8], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A square table could be as many pictures; a line of column names decides it."""
    (tmp_path / "one.csv").write_text("\n".join(",".join(map(str, row)) for row in digits[3]))
    words = re.compile("one.csv was read as one picture of 8×8 pixels, since it has as many rows")
    choose(opened, tmp_path / "one.csv")
    expect(opened.get_by_text(words)).to_be_visible()
    expect(answer(opened, "Plain baseline")).to_be_visible()
    choose(opened, table(digits, tmp_path / "rows.csv"))
    expect(cells(opened)).to_have_count(COUNT)
    expect(opened.get_by_text(words)).to_have_count(0)
    choose(opened, tmp_path / "one.csv", tmp_path / "rows.csv")
    expect(cells(opened)).to_have_count(COUNT + 1)
    expect(opened.get_by_text(words)).to_be_visible()
    if "server" not in request.node.name:  # a static page keeps nothing
        return
    choose(opened, tmp_path / "one.csv")
    opened.get_by_role("button", name="Correct this answer").click()
    opened.get_by_label("Set", exact=True).fill("out of a table")
    opened.get_by_role("button", name="3", exact=True).click()
    expect(opened.get_by_text("Added as 3")).to_be_visible()
    served = request.getfixturevalue("served")
    [kept] = (served.home / "sets" / "out of a table" / "3").iterdir()
    with Image.open(kept) as image:
        np.testing.assert_array_equal(np.asarray(image), digits[3])


def test_a_folder_of_class_folders(opened: Page, folder: Path) -> None:
    drop(opened, opened.locator("canvas").first, folder)
    scored(opened)


def test_without_classes_nothing_is_scored(opened: Page, folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat.zip"
    with zipfile.ZipFile(flat, "w") as pack:
        for file in sorted(folder.rglob("*.png"))[:4]:
            pack.write(file, f"unsorted/{file.name}")
    choose(opened, flat)
    expect(cells(opened)).to_have_count(4)
    expect(opened.get_by_text(re.compile(r"\d right$"))).to_have_count(0)
    expect(opened.get_by_text(re.compile(r"^Wrong \d"))).to_have_count(0)


def test_a_damaged_zip_is_refused(opened: Page, folder: Path) -> None:
    path = zipped(folder)
    path.write_bytes(path.read_bytes()[:300])
    choose(opened, path)
    expect(opened.get_by_text(re.compile("damaged|zip archive")).first).to_be_visible()
    provokes(opened, "status of 400")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Browser, served: Served, folder: Path, scheme: str) -> None:
    view = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    with watched(browser, **view) as page:
        page.goto(served.at(TRY))
        choose(page, zipped(folder))
        expect(page.get_by_text("name the class of every picture")).to_be_visible()
        assert sideways(page) <= 0
        assert serious(page) == []
