"""Large pictures get the server's answers on the static page, in Chromium and in Firefox."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import Served, choose, in_both
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
