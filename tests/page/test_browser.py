"""`bakeoff export --to web`: models in the browser, from a plain file server, and no other."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bakeoff.data.read import read

from .conftest import (
    SEVEN,
    Served,
    answer,
    choose,
    draw,
    in_both,
    provokes,
    serious,
    sideways,
    watched,
)

PICTURES = 1_050
REFUSED = 751  # a digit that the baseline takes for none of the classes
TOLERANCE = 1e-3


@pytest.fixture
def room(page: Page, site: str) -> Iterator[Page]:
    """Opened, with its models loaded; from then on there is no network at all."""
    page.goto(site)
    expect(page.get_by_role("article", name="CNN from scratch")).to_be_visible(timeout=60_000)
    page.context.set_offline(True)
    yield page
    provokes(page, "favicon")  # Chromium asks for the icon anew whenever the title changes


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Digits of 8×8 as PNG, in grey, and some in colour or on clear ground."""
    folder = tmp_path_factory.mktemp("digits")
    every = read("digits")
    paths = []
    for row in range(PICTURES):
        image = Image.fromarray(np.array(every.pictures[row])[..., 0])
        if row % 50 == 1:
            image = Image.merge("RGB", (image, image.point(lambda one: one // 2), image))
        elif row % 50 == 2:
            image = Image.merge("LA", (image.point(lambda _: 0), image))
        paths.append(folder / f"{row:04}.png")
        image.save(paths[-1])
    return paths


@pytest.mark.parametrize("count", [160, pytest.param(PICTURES, marks=pytest.mark.long)])
def test_the_browser_answers_as_the_server(
    room: Page, served: Served, files: list[Path], count: int
) -> None:
    if count < PICTURES:
        files = [*files[: count - 1], files[REFUSED]]  # the short test has one that is refused, too
    choose(room, *files)
    expect(room.get_by_text("files …")).to_be_visible()
    expect(room.get_by_text("files …")).to_be_hidden(timeout=180_000)
    with room.expect_download() as download:
        room.get_by_role("button", name="Download CSV").click()
    here = _said(Path(download.value.path()).read_text(encoding="utf-8"))
    there: dict[tuple[str, str], dict[str, str]] = {}
    for start in range(0, len(files), 150):
        some = [("files", (one.name, one.read_bytes())) for one in files[start : start + 150]]
        response = httpx.post(f"{served.address}/api/predict?format=csv", files=some, timeout=60)
        there |= _said(response.text)
    assert set(here) == set(there)
    assert len(here) == count * 2
    assert "out of distribution" in {said["verdict"] for said in there.values()}
    worst = 0.0
    for key, said in there.items():
        assert here[key]["class 1"] == said["class 1"], key
        assert here[key]["verdict"] == said["verdict"], key
        for place in ("1", "2", "3"):
            mine, other = (float(one[f"probability {place}"]) for one in (here[key], said))
            worst = max(worst, abs(mine - other))
    print(f"{count} pictures, two models: probabilities differ by {worst:.1e} at most")
    assert worst <= TOLERANCE


@in_both
def test_drawn_offline(room: Page) -> None:
    draw(room, SEVEN)
    expect(answer(room, "CNN from scratch")).to_be_visible()
    card = room.get_by_role("article", name="CNN from scratch")
    expect(card.get_by_role("img", name="Input of CNN from scratch")).to_be_visible()
    room.get_by_role("button", name="Why?").click()
    expect(room.get_by_role("img", name="Occlusion map")).to_have_count(2, timeout=60_000)
    # There is nowhere to keep it.
    expect(room.get_by_role("button", name="Correct this answer")).to_have_count(0)
    assert serious(room) == []


def test_the_first_bars_do_not_wait_for_the_last_model(room: Page) -> None:
    room.evaluate("""() => {
      window.seen = new Set();
      const count = () => window.seen.add(document.querySelectorAll("[data-answer]").length);
      new MutationObserver(count).observe(document, { subtree: true, attributes: true });
    }""")
    draw(room, SEVEN)
    expect(room.locator("[data-answer]")).to_have_count(2)
    assert room.evaluate("[...window.seen].includes(1)")


def test_tables_and_broken_files(room: Page, tmp_path: Path) -> None:
    table = tmp_path / "digits.csv"
    every = read("digits")
    rows = [np.array(every.pictures[row]).ravel() for row in range(5)]
    np.savetxt(table, rows, fmt="%d", delimiter=",")
    choose(room, table)
    cells = room.get_by_role("region", name="Pictures and answers").get_by_role("button")
    expect(cells).to_have_count(5)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    choose(room, broken)
    expect(room.get_by_role("alert")).to_contain_text(
        "broken.png: it looks like a text file, not like JPEG"
    )


def test_it_fits_a_phone(browser: Browser, site: str) -> None:
    with watched(browser, viewport={"width": 360, "height": 740}, color_scheme="dark") as page:
        page.goto(site)
        expect(page.get_by_role("article", name="CNN from scratch")).to_be_visible(timeout=60_000)
        assert sideways(page) <= 0
        assert serious(page) == []


def test_a_folder_that_is_not_whole_says_so(page: Page, site: str) -> None:
    page.route("**/models.json", lambda route: route.fulfill(status=404))
    page.goto(site)
    expect(page.get_by_role("alert")).to_contain_text("models.json cannot be fetched")
    provokes(page, "status of 404")


def _said(text: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(one["picture"], one["model"]): one for one in csv.DictReader(io.StringIO(text))}
