"""The examples with pages of their own, each as its README starts it, in a real browser.

Their pages load nothing from elsewhere and send nothing there: `page` fails a test that does.
All but Django's need the environments that `make environments` makes, and are skipped without.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, expect

from bakeoff.bundle.panel import SideBySide, load
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder

from ..examples import EXAMPLES, python_of, started
from .conftest import SEVEN, provokes, watched
from .gestures import box_of

ROWS = "\n".join(
    ",".join("0" if column == 14 else "255" for column in range(28)) for _ in range(28)
)


def expected(run: RunFolder, data: bytes) -> SideBySide:
    """What bakeoff itself answers."""
    answers = load([run.path]).predict(data)
    assert isinstance(answers, SideBySide)
    return answers


def stroke(page: Page, canvas: Locator, line: list[tuple[float, float]]) -> None:
    """Draw a line with the pointer on any canvas; places are shares of its sides."""
    canvas.scroll_into_view_if_needed()
    box = box_of(canvas)
    for number, (x, y) in enumerate(line):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if not number:
            page.mouse.down()
    page.mouse.up()


def test_django_shows_both_answers_side_by_side(
    page: Page, trained: RunFolder, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    file = tmp_path / "digit.png"
    file.write_bytes(to_png(digits[3]))
    models = expected(trained, file.read_bytes())
    with started("django", trained.path, tmp_path / "log") as address:
        page.goto(address)
        page.get_by_label("A picture, or a CSV file").set_input_files(file)
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("th")).to_have_text(["Picture", *models])
        labels = [answer.label for (answer,) in models.values()]
        expect(page.locator("td b")).to_have_text(labels)
        drawn = page.locator("td img")
        for side in ("naturalWidth", "naturalHeight"):
            expect(drawn).to_have_js_property(side, 8)

        page.get_by_label("Or the numbers").fill(ROWS)
        page.get_by_role("button", name="Predict").click()
        for side in ("naturalWidth", "naturalHeight"):
            expect(drawn).to_have_js_property(side, 28)

        answered = httpx.post(f"{address}/api", content=file.read_bytes())
        assert answered.json().keys() == models.keys()
        for name, (answer,) in models.items():
            (returned,) = answered.json()[name]
            assert returned["label"] == answer.label
            assert returned["probability"] == pytest.approx(answer.probability, abs=1e-5)

        refused = httpx.post(f"{address}/api", content=b"<svg>")
        assert refused.status_code == 400
        assert "Save it as PNG" in refused.json()["error"], refused.text
        assert httpx.get(f"{address}/api").status_code == 405
        without_token = httpx.post(address, data={"csv": ROWS})
        assert without_token.status_code == 403
        other_host = httpx.get(address, headers={"Host": "attacker.example"})
        assert other_host.status_code == 400


def test_gradio_answers_what_is_drawn(browser: Browser, trained: RunFolder, tmp_path: Path) -> None:
    with (
        started("gradio", trained.path, tmp_path / "log") as address,
        watched(browser, viewport={"width": 1280, "height": 900}) as page,
    ):
        page.goto(address)
        page.get_by_label("Brush").click()  # Gradio 6.31 starts with no tool selected
        stroke(page, page.locator("canvas").first, SEVEN)
        verdicts = page.get_by_label("Whether to trust it")
        expect(verdicts).to_have_value(re.compile(r"baseline: \d, .*\ncnn: \d, "))
        # Its drawing library, PixiJS, warns about WebGL and, by their stacks, of calls to drop.
        provokes(page, "WebGL", "/assets/colorToUniform")
        client = httpx.get(f"{address}/config").json()
        assert not client.get("analytics_enabled"), "usage statistics are off"
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_gradio_is_short() -> None:
    assert len((EXAMPLES / "gradio" / "app.py").read_text().splitlines()) < 30


def in_streamlit(program: str, *arguments: str | Path) -> dict[str, object]:
    """Run a program with AppTest in the example's environment; what it prints as JSON."""
    command = [python_of("streamlit"), "-c", program, *map(str, arguments)]
    folder = EXAMPLES / "streamlit"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return shown


WITH_APP_TEST = """
import json, sys
from streamlit.testing.v1 import AppTest

run, file = sys.argv[1:]
sys.argv = ["app.py", run]
app = AppTest.from_file("app.py", default_timeout=60).run()
first = [info.value for info in app.info]
models = app.selectbox[0].options
app.file_uploader[0].upload("digit.png", open(file, "rb").read(), "image/png")
app.selectbox[0].select_index(1).run()
print(json.dumps({
    "first": first,
    "models": models,
    "errors": [error.message for error in app.exception],
    "answer": app.metric[0].value,
    "words": app.caption[0].value,
}))
"""


def test_streamlit_answers_in_its_own_test(
    trained: RunFolder, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    file = tmp_path / "digit.png"
    file.write_bytes(to_png(digits[3]))
    shown = in_streamlit(WITH_APP_TEST, trained.path, file)
    (answer,) = list(expected(trained, file.read_bytes()).values())[1]
    assert shown["errors"] == []
    assert shown["first"] == ["Draw something, or upload a picture."]
    assert shown["answer"] == answer.label
    assert shown["words"] == f"{answer.probability:.1%}, {answer.words}"


def test_streamlit_answers_what_is_drawn(
    browser: Browser, trained: RunFolder, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    file = tmp_path / "digit.png"
    file.write_bytes(to_png(digits[3]))
    with (
        started("streamlit", trained.path, tmp_path / "log") as address,
        watched(browser, viewport={"width": 1280, "height": 900}) as page,
    ):
        page.goto(address)
        expect(page.get_by_text("Draw something, or upload")).to_be_visible(timeout=60_000)
        stroke(page, page.locator("canvas.upper-canvas"), SEVEN)
        metric = page.get_by_test_id("stMetricValue")
        expect(metric).to_have_text(re.compile(r"^\s*\d\s*$"))
        page.locator("input[type=file]").set_input_files(file)
        (answer,) = expected(trained, file.read_bytes())["baseline"]
        expect(page.get_by_test_id("stCaptionContainer")).to_contain_text(
            f"{answer.probability:.1%}"
        )
        expect(metric).to_have_text(re.compile(rf"^\s*{answer.label}\s*$"))
