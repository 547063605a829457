"""Take the picture of each example with a page for its README.

    python scripts/example_screens.py RUN

RUN is a finished run on the bundled doodles. `make examples` makes the environments that the
examples need.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from screenshots import HOUSE  # noqa: E402
from tests.examples import EXAMPLES, started  # noqa: E402

from bakeoff.bundle.inputs import gather  # noqa: E402
from bakeoff.bundle.panel import Panel  # noqa: E402
from bakeoff.data.image import to_png  # noqa: E402
from bakeoff.data.read import read  # noqa: E402

WIDTH = 900


def main() -> None:
    """Start each example over the run, use it, and keep what it shows."""
    run = Path(sys.argv[1]).resolve()
    doodles = read("doodles")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        file = Path(folder, "doodle.png")
        file.write_bytes(to_png(doodles.pictures[3]))
        for example, use in USES.items():
            with started(example, run, Path(folder, "log")) as address:
                page = browser.new_page(viewport={"width": 1100, "height": 640})
                page.goto(address)
                use(page, file)
                page.wait_for_timeout(6000)
                keep(page.screenshot(), example)
                page.close()
        panel = Panel([run])
        inputs = gather(file.read_bytes())
        drawn = next(panel.draw(inputs, panel.answer(inputs), Path(folder, "why")))
        keep(drawn.read_bytes(), "anvil")  # what its function `picture` returns


def keep(data: bytes, example: str) -> None:
    """As a small picture beside the README."""
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((WIDTH, 2 * WIDTH), Image.Resampling.LANCZOS)
        image.convert("RGB").save(EXAMPLES / example / "screen.webp", quality=80)


def house(page: Page, canvas: Locator) -> None:
    """A house, drawn with the pointer."""
    box = canvas.bounding_box()
    assert box is not None
    side = min(box["width"], box["height"]) * 0.7
    left = box["x"] + (box["width"] - side) / 2
    top = box["y"] + (box["height"] - side) / 2
    for line in HOUSE:
        for number, (x, y) in enumerate(line):
            page.mouse.move(left + x * side, top + y * side, steps=8)
            if not number:
                page.mouse.down()
        page.mouse.up()


def draw_with_gradio(page: Page, _: Path) -> None:
    """Select the brush and draw."""
    page.get_by_label("Brush").click()
    house(page, page.locator("canvas").first)


def upload_to_django(page: Page, file: Path) -> None:
    """Choose a picture and send it."""
    page.get_by_label("A picture, or a CSV file").set_input_files(file)
    page.get_by_role("button", name="Predict").click()


def draw_with_streamlit(page: Page, _: Path) -> None:
    """Draw as soon as the canvas is there."""
    canvas = page.locator("canvas.upper-canvas")
    canvas.wait_for()
    house(page, canvas)


USES: dict[str, Callable[[Page, Path], None]] = {
    "gradio": draw_with_gradio,
    "django": upload_to_django,
    "streamlit": draw_with_streamlit,
}

if __name__ == "__main__":
    main()
