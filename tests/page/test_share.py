"""Sharing a run from its page, and the page that others then open."""

from __future__ import annotations

import io
import json
import re
import shutil
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
    in_both_at_length,
    provokes,
    serious,
    serving,
    sideways,
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


@in_both_at_length
def test_a_shared_page_offers_pictures_of_a_public_set(engine: Browser, served: Served) -> None:
    with watched(engine, viewport={"width": 390, "height": 844}) as page:
        page.goto(served.at(TRY))
        page.get_by_role("button", name="Share").click()
        panel = page.get_by_role("dialog", name="Share digits")
        shows = panel.get_by_role("checkbox", name="Show example pictures")
        expect(shows).to_be_checked()
        expect(panel.get_by_text("They are of a public set")).to_be_visible()
        panel.get_by_role("button", name="Publish").click()
        address = str(panel.get_by_role("link", name="Open").get_attribute("href"))
        with watched(engine, viewport={"width": 390, "height": 844}) as phone:
            phone.goto(address)
            examples = phone.get_by_role("group", name="Examples of the set").get_by_role("button")
            expect(examples).to_have_count(8)
            assert serious(phone) == []
            assert sideways(phone) <= 0
            label = str(examples.nth(3).get_attribute("title")).removeprefix("Try this ")
            examples.nth(3).click()
            expect(answer(phone, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
            expect(phone.get_by_text("Labelled")).to_contain_text(f"Labelled {label}")
        shows.uncheck()
        expect(panel.get_by_text("It shows no picture of the set")).to_be_visible()
        with page.expect_response("**/shared?*"):
            panel.get_by_role("button", name="Update").click()
        expect(panel.get_by_role("button", name="Update")).to_be_enabled()
        with watched(engine) as visitor:
            visitor.goto(address)
            expect(visitor.get_by_role("article", name="CNN from scratch")).to_be_visible()
            expect(visitor.get_by_role("group", name="Examples of the set")).to_have_count(0)
        panel.get_by_role("button", name="Stop sharing").click()
        expect(panel.get_by_role("button", name="Publish")).to_be_visible()


@in_both_at_length
def test_own_pictures_stay_here_unless_their_owner_says_so(
    page: Page, trained: RunFolder, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "mine"
    shutil.copytree(trained.path, run)
    results = json.loads((run / "results.json").read_text())
    results["dataset"] |= {"description": "class folders", "description_said": None}
    (run / "results.json").write_text(json.dumps(results))

    def shared_pictures() -> int:
        with page.expect_download() as packed:
            panel.get_by_role("button", name="Download zip").click()
        with zipfile.ZipFile(packed.value.path()) as archive:
            return len(json.loads(archive.read("examples.json")))

    with serving(run) as address:
        page.goto(f"{address}/#/try/mine")
        page.get_by_role("button", name="Share").click()
        panel = page.get_by_role("dialog", name="Share mine")
        shows = panel.get_by_role("checkbox", name="Show example pictures")
        expect(shows).not_to_be_checked()
        expect(shows).to_have_accessible_description(re.compile("if they are private"))
        assert serious(page) == []
        assert shared_pictures() == 0
        shows.check()
        assert shared_pictures() == 8
        page.close()  # before its server ends


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
