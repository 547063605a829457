"""The static page says what to do where it cannot run: from disk, or without a file or scripts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Served, hosted, provokes, serious, sideways, watched

COMMAND = "python -m http.server -d "
# Counts the loads that show an alert.
ALERTS = """new MutationObserver((_, observer) => {
  if (!document.querySelector("[role=alert]")) return;
  sessionStorage.alerts = 1 + Number(sessionStorage.alerts ?? 0);
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of the exported page, in a folder with a space in its name."""
    return Path(shutil.copytree(exported / "some" / "where", tmp_path / "my site"))


@pytest.fixture
def site_of(folder: Path) -> Iterator[str]:
    with hosted(folder) as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_double_click_says_what_to_do(
    browser: Browser, folder: Path, width: int, scheme: str
) -> None:
    view = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    with watched(browser, **view) as page:
        page.goto((folder / "index.html").as_uri())
        expect(
            page.get_by_role("heading", name="Serve this folder to open the page")
        ).to_be_visible()
        expect(page.get_by_text(f'{COMMAND}"{folder}"', exact=True)).to_be_visible()
        expect(page.get_by_text("is missing")).to_be_hidden()
        assert sideways(page) <= 0
        assert serious(page) == []
        provokes(page, "file:", "preload assets")


def test_it_says_so_in_the_reader_s_language(browser: Browser, folder: Path) -> None:
    with watched(browser, locale="de-DE") as page:
        page.goto((folder / "index.html").as_uri())
        expect(page.get_by_role("heading")).to_have_text(re.compile("braucht es einen .* Server"))
        expect(page.get_by_role("main")).to_have_attribute("lang", "de")
        provokes(page, "file:", "preload assets")


def test_firefox_says_it_too(firefox: Browser, folder: Path) -> None:
    plain = folder.rename(folder.with_name("site"))
    with watched(firefox) as page:
        page.goto((plain / "index.html").as_uri())
        expect(page.locator("#from-disk")).to_contain_text(f"{COMMAND}{plain}")
        provokes(page, "URL constructor")  # of ONNX Runtime, in a worker from disk


def test_the_command_opens_the_page(page: Page, site_of: str) -> None:
    page.goto(site_of)
    expect(page.get_by_role("article", name="CNN from scratch")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Serve this folder")).to_be_hidden()


def test_a_page_without_its_script_names_it(page: Page, folder: Path, site_of: str) -> None:
    [script] = (folder / "assets").glob("browser-*.js")
    script.unlink()
    page.goto(site_of)
    expect(page.get_by_role("heading", name="A file of this page is missing")).to_be_visible()
    expect(page.get_by_text(f"assets/{script.name}")).to_be_visible()
    provokes(page, "status of 404")


@pytest.mark.parametrize("pattern", ["*.wasm", "local.worker-*.js", "Try-*.js"])
def test_a_page_without_a_part_of_it_says_so(
    page: Page, folder: Path, site_of: str, pattern: str
) -> None:
    [part] = (folder / "assets").glob(pattern)
    part.unlink()
    page.add_init_script(ALERTS)
    loads: list[Page] = []
    page.on("load", lambda loaded: loads.append(loaded))
    page.goto(site_of)
    expected = 2 if pattern == "Try-*.js" else 1  # the page tries once more to load its rooms
    for _ in range(300):
        if len(loads) == expected:
            break
        page.wait_for_timeout(50)
    assert len(loads) == expected
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("Serve the whole folder|Reload the page"))
    assert page.evaluate("sessionStorage.alerts") == "1"  # not one before it loads again
    page.wait_for_load_state("networkidle")  # else it would ask when the server is gone
    provokes(page, "status of 404", "local.worker")


def test_a_browser_without_scripts_is_told(browser: Browser, served: Served, site_of: str) -> None:
    for address in (site_of, served.address):
        with watched(browser, java_script_enabled=False) as page:
            page.goto(address)
            said = page.locator("noscript")
            assert "This page needs JavaScript" in (said.text_content() or "")
            assert said.evaluate("(one) => one.getClientRects().length > 0")
