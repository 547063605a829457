"""Sharing a run from its page, and the page that others then open."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .conftest import ONE, TRY, Served, answer, draw, in_both, serious, watched


@in_both
def test_a_run_is_published_and_drawn_on(page: Page, engine: Browser, served: Served) -> None:
    page.goto(served.at(TRY))
    page.get_by_role("button", name="Share").click()
    panel = page.get_by_role("dialog", name="Share digits")
    panel.get_by_label("Models").select_option("cnn alone")
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
