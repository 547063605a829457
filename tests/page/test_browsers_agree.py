"""What Chromium and Firefox must do alike: decode large pictures, and paint strokes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from .conftest import TRY, Served, answer, choose, in_both, watched
from .pictures import packed, pen, photo

TOLERANCE = 1e-3
Answers = dict[tuple[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Photos and pen drawings of 600 to 4 000 pixels, as JPEG, PNG and WebP, some lying."""
    folder = tmp_path_factory.mktemp("large")
    turn = Image.Exif()
    turn[0x0112] = 6
    made = {
        "photo.jpg": packed(photo(3000, 4000), "JPEG", quality=90),
        "photo.png": packed(photo(1200, 900), "PNG", compress_level=1),
        "photo.webp": packed(photo(1600, 1200), "WEBP", quality=80, method=0),
        "pen.jpg": packed(pen(2400, 1800), "JPEG", quality=90),
        "pen.png": packed(pen(4000, 3000), "PNG", compress_level=1),
        "pen.webp": packed(pen(600, 800), "WEBP", quality=80, method=0),
        "lying.jpg": packed(pen(1800, 700), "JPEG", exif=turn.tobytes()),
        "lying.webp": packed(pen(1801, 703), "WEBP", method=0, exif=turn.tobytes()),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


@pytest.fixture(scope="module")
def there(served: Served, files: list[Path]) -> Answers:
    """The server's answers."""
    form = [("files", (file.name, file.read_bytes())) for file in files]
    return parsed(httpx.post(f"{served.address}/api/predict?format=csv", files=form).text)


def parsed(text: str) -> Answers:
    return {(one["picture"], one["model"]): one for one in csv.DictReader(io.StringIO(text))}


@in_both
def test_large_pictures_get_the_server_s_answers(
    page: Page, site: str, files: list[Path], there: Answers
) -> None:
    page.goto(site)
    expect(page.get_by_role("article", name="CNN from scratch")).to_be_visible(timeout=60_000)
    choose(page, *files)
    expect(page.locator(".cell")).to_have_count(len(files), timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    here = parsed(Path(download.value.path()).read_text(encoding="utf-8"))
    assert set(here) == set(there)
    assert len(here) == 2 * len(files)
    for key, said in there.items():
        assert here[key]["class 1"] == said["class 1"], key
        assert here[key]["verdict"] == said["verdict"], key
        for column in ("probability 1", "probability 2", "probability 3"):
            assert abs(float(here[key][column]) - float(said[column])) <= TOLERANCE, key


def strokes() -> list[list[str | float]]:
    """Thin, thick and very thick scribbles with corners, a dot, and the eraser across them."""
    rng = np.random.default_rng(7)
    made: list[list[str | float]] = [["#1c1c1c", 0.06, 0.9, 0.1, 0.5]]
    pens = (("#1c1c1c", 0.025), ("#1b4f9c", 0.06), ("#a8321f", 0.095), ("#ffffff", 0.04))
    for colour, width in pens:
        places = np.clip(0.5 + np.cumsum(rng.normal(0, 0.06, (20, 2)), axis=0), 0.05, 0.95)
        points = np.column_stack([places, np.full(20, 0.5)]).round(5)
        made.append([colour, width, *points.ravel().tolist()])
    return made


def painted(engine: Browser, served: Served) -> NDArray[np.int16]:
    """The picture that reaches the server of those strokes, H×W×3 of 0…255."""
    name = f"painted in {engine.browser_type.name}"
    drawing = json.dumps(json.dumps({"steps": strokes(), "undone": []}))
    with watched(engine, viewport={"width": 1280, "height": 900}) as page:
        # Before the page is there, which stores its own; a blank page may store nothing.
        page.add_init_script(
            f"try {{ sessionStorage.setItem('bakeoff-drawing', {drawing}) }} catch {{}}"
        )
        page.goto(served.at(TRY))
        expect(answer(page, "CNN from scratch")).to_be_visible()
        page.get_by_role("button", name="Correct this answer").click()
        page.get_by_label("Set", exact=True).fill(name)
        page.get_by_role("button", name="3", exact=True).click()
        expect(page.get_by_text("Added as 3")).to_be_visible()
    [kept] = (served.home / "sets" / name / "3").iterdir()
    with Image.open(kept) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def test_the_same_strokes_reach_the_models_alike(
    browser: Browser, firefox: Browser, served: Served
) -> None:
    """The pointer that drives Firefox stops at whole pixels of the window, so a line that a test
    draws in both lies a fraction of a pixel beside itself; painting adds nothing to that.
    """
    here, there = (painted(engine, served) for engine in (browser, firefox))
    assert (here < 250).mean() > 0.02  # there is something to compare
    apart = np.abs(here - there)
    print(f"on average {apart.mean():.3f} of 255, at most {apart.max()}; {(apart > 8).mean():.3%}")
    assert apart.mean() < 0.1
    assert (apart > 8).mean() < 0.005
