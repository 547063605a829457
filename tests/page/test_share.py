"""Sharing a run from its page, and the page that others then open."""

from __future__ import annotations

import io
import re
import socket
import zipfile
from pathlib import Path

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from bakeoff.record.folder import RunFolder

from .conftest import (
    ONE,
    TRY,
    Served,
    answer,
    draw,
    in_both,
    provokes,
    serious,
    serving,
    watched,
)


@in_both
def test_a_run_is_published_and_drawn_on(page: Page, engine: Browser, served: Served) -> None:
    page.goto(served.at(TRY))
    page.get_by_role("button", name="Share").click()
    panel = page.get_by_role("dialog", name="Share digits")
    with page.expect_download() as packed:
        panel.get_by_role("button", name="Download zip").click()
    with zipfile.ZipFile(packed.value.path()) as archive:
        whole = {name.split("/")[1] for name in archive.namelist() if name.startswith("models/")}
    assert whole >= {"baseline", "cnn"}
    panel.get_by_label("Models").select_option("cnn alone")
    panel.get_by_text("JavaScript", exact=True).click()
    expect(panel.locator("pre")).to_contain_text(served.address)
    panel.get_by_text("Python", exact=True).click()
    expect(panel.locator("pre")).to_contain_text('bakeoff.load("runs/digits")')
    panel.get_by_text("curl", exact=True).click()
    expect(panel).to_contain_text(f"{served.address}/api/predict?model=cnn")
    panel.get_by_role("button", name="Publish").click()
    expect(panel.get_by_text(f"{served.address}/s/digits/")).to_be_visible()
    expect(panel.get_by_text("works on this machine alone")).to_be_visible()
    assert serious(page) == []
    with watched(engine, viewport={"width": 390, "height": 844}) as phone:
        phone.goto(str(panel.get_by_role("link", name="Open").get_attribute("href")))
        expect(phone.get_by_text("Draw something")).to_be_visible()
        draw(phone, ONE)
        expect(answer(phone, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
    with page.expect_download() as packed:
        panel.get_by_role("button", name="Download zip").click()
    data = Path(packed.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as names:
        assert "models/cnn/model.onnx" in names.namelist()
    panel.get_by_role("button", name="Stop sharing").click()
    expect(panel.get_by_role("button", name="Publish")).to_be_visible()


def own_address() -> str:
    """This machine's address in its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))  # nothing is sent
        return str(way.getsockname()[0])


def scanned(code: Locator) -> str:
    """What the camera of a phone reads in a picture of the page."""
    with Image.open(io.BytesIO(code.screenshot())) as picture:
        [found] = zxingcpp.read_barcodes(picture.convert("L"))
    return str(found.text)


@in_both
def test_a_phone_scans_the_address(
    engine: Browser, trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        host = own_address()
    except OSError:
        pytest.skip("this machine has no network")
    monkeypatch.setenv("BAKEOFF_TOKEN", "open sesame")
    more = ("--host", "0.0.0.0", "--allow-training")
    with serving(trained.path, *more) as address, watched(engine) as page:
        base = f"http://{host}:{httpx.URL(address).port}"
        provokes(page, f"asked for {base}", "status of 401")
        page.goto(f"{base}/#{TRY}")
        page.get_by_label("Token").fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Share").click()
        panel = page.get_by_role("dialog", name="Share digits")
        panel.get_by_role("button", name="Publish").click()
        expect(panel.get_by_text(f"{base}/s/digits/")).to_be_visible()
        code = panel.get_by_role("figure").filter(has_text="Scan it with a phone")
        provokes(page, "blocked an inline style")  # of the screenshot, in Firefox
        assert scanned(code.locator("svg")) == f"{base}/s/digits/"
        expect(panel.get_by_text("works on this machine alone")).to_have_count(0)
        panel.get_by_role("button", name="Stop sharing").click()
        expect(panel.get_by_role("button", name="Publish")).to_be_visible()
        page.close()  # before its server ends
