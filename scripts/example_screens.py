"""Take the picture of each example for its README.

    python scripts/example_screens.py RUN [EXAMPLE...]

RUN is a finished run on the bundled doodles. `make examples` makes the environments that the
examples need. The picture of the seeds is a chart, which benchmarks/seeds_chart.py draws.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, sync_playwright

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # not ROOT: a package may bring its own `tests`

from screenshots import HOUSE  # noqa: E402

from bakeoff.bundle.inputs import gather  # noqa: E402
from bakeoff.bundle.panel import Panel  # noqa: E402
from bakeoff.data.image import to_png  # noqa: E402
from bakeoff.data.read import read  # noqa: E402
from examples import EXAMPLES, compiled, started  # noqa: E402

WIDTH = 900


@dataclass(frozen=True)
class Scene:
    """What the pictures are taken of and with."""

    run: Path
    folder: Path
    doodle: Path
    browser: Browser


def main() -> None:
    """Take the pictures of the examples that are named, or of all."""
    run = Path(sys.argv[1]).resolve()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        doodle = Path(folder, "doodle.png")
        doodle.write_bytes(to_png(read("doodles").pictures[3]))
        scene = Scene(run, Path(folder), doodle, browser)
        for example in sys.argv[2:] or PICTURES:
            keep(PICTURES[example](scene), example)


def keep(data: bytes, example: str) -> None:
    """As a small picture beside the README."""
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((WIDTH, 2 * WIDTH), Image.Resampling.LANCZOS)
        image.convert("RGB").save(EXAMPLES / example / "screen.webp", quality=85)


def page_of(example: str, use: Callable[[Page, Path], None], height: int) -> Callable[..., bytes]:
    """The picture of an example with a page: started, used, and left alone for a while."""

    def taken(scene: Scene) -> bytes:
        with started(example, scene.run, scene.folder / "log") as address:
            page = scene.browser.new_page(viewport={"width": 1100, "height": height})
            page.goto(address)
            use(page, scene.doodle)
            page.mouse.move(1099, height - 1)  # a tool that shows under the pointer hides again
            page.wait_for_timeout(6000)
            data = page.screenshot()
            page.close()
            return data

    return taken


def of_anvil(scene: Scene) -> bytes:
    """What its function `picture` returns."""
    panel = Panel([scene.run])
    inputs = gather(scene.doodle.read_bytes())
    return next(panel.draw(inputs, panel.answer(inputs), scene.folder / "why")).read_bytes()


def of_name_picture(scene: Scene) -> bytes:
    """What the programs print, beside the picture that they name; this writes that picture too."""
    picture = Image.new("L", (280, 280), 255)
    for line in HOUSE:
        places = [(x * 280, y * 280) for x, y in line]
        ImageDraw.Draw(picture).line(places, fill=0, width=14, joint="curve")
    small = np.asarray(picture.resize((28, 28), Image.Resampling.BOX))
    (EXAMPLES / "name_picture/house.pgm").write_bytes(b"P5\n28 28\n255\n" + small.tobytes())
    shown = scene.folder / "house.png"
    shown.write_bytes(to_png(small[..., None]))
    lines = []
    for language, command in (
        ("mjs", "node name_picture.mjs"),
        ("c", "c/name"),
        ("rs", "rust/name"),
    ):
        built = Path(scene.folder, language)
        built.mkdir()
        program = compiled(language, built)
        asked = [*program, str(scene.run / "bundles/cnn"), str(EXAMPLES / "name_picture/house.pgm")]
        answer = subprocess.run(asked, check=True, capture_output=True, text=True).stdout  # noqa: S603
        lines += [f"$ {command} runs/doodles/bundles/cnn house.pgm", answer]
    page = scene.browser.new_page(viewport={"width": WIDTH, "height": 600})
    page.goto(shown.as_uri())
    page.evaluate(
        """text => {
          document.body.style = "margin: 0; background: #fff";
          const image = document.querySelector("img");
          image.style = "width: 196px; image-rendering: pixelated; margin: 16px";
          const pre = Object.assign(document.createElement("pre"), { textContent: text });
          pre.style = "font: 15px/1.5 monospace; margin: 0; padding: 20px; flex: 1";
          const both = document.createElement("main");
          both.style = "display: flex; align-items: center; background: #1d1f21; color: #eee";
          both.append(image, pre);
          document.body.replaceChildren(both);
        }""",
        "\n".join(lines).strip(),
    )
    data = page.locator("main").screenshot()
    page.close()
    return data


Trial = tuple[str, bool, float, int]


def of_explore_mnist(scene: Scene) -> bytes:  # noqa: ARG001 - its tables are all that it needs
    """Loss and size of each trial, as its tables have them."""
    text = (EXAMPLES / "explore_mnist/tables.md").read_text(encoding="utf-8")
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4), layout="constrained", sharex=True, sharey=True, dpi=110
    )
    for plot, part in zip(axes, re.split(r"^## ", text, flags=re.MULTILINE)[1:], strict=True):
        plot.set_title(part.partition("\n")[0], fontsize=11)
        draw_trials(plot, trials(part))
    axes[0].set_ylabel("loss")
    kinds = (("trial", "o", "white"), ("recommended", "o", "#1f6f8b"), ("defaults", "s", "white"))
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker=mark, mec="#1f6f8b", mfc=face, label=words)
            for words, mark, face in kinds
        ],
        loc="outside lower center",
        ncols=len(kinds),
        frameon=False,
    )
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def trials(part: str) -> list[Trial]:
    """Number, whether it is recommended, loss and parameters of each row of a table."""
    header, _, *rows = [
        line.strip("| ").split(" | ") for line in part.splitlines() if line[:1] == "|"
    ]
    found = []
    for row in rows:
        cells = dict(zip(header, (cell.strip("*") for cell in row), strict=True))
        size = int(cells["parameters"].replace(" ", ""))
        found.append((cells["trial"], row[0].startswith("**"), float(cells["loss"]), size))
    return found


def draw_trials(plot: Axes, found: list[Trial]) -> None:
    """A mark for each trial."""
    for number, recommended, loss, parameters in found:
        face = "#1f6f8b" if recommended else "white"
        mark = "s" if number == "defaults" else "o"
        plot.plot(parameters, loss, mark, color="#1f6f8b", markerfacecolor=face, markersize=8)
    plot.set_xscale("log")
    plot.set_yscale("log")
    plot.set_xticks([10_000, 30_000, 100_000, 300_000], ["10 000", "30 000", "100 000", "300 000"])
    plot.set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
    plot.minorticks_off()
    plot.set_xlabel("parameters")
    plot.grid(color="#dddddd")
    plot.set_axisbelow(True)


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


PICTURES: dict[str, Callable[[Scene], bytes]] = {
    "gradio": page_of("gradio", draw_with_gradio, 1130),
    "django": page_of("django", upload_to_django, 600),
    "streamlit": page_of("streamlit", draw_with_streamlit, 640),
    "anvil": of_anvil,
    "name_picture": of_name_picture,
    "explore_mnist": of_explore_mnist,
}

if __name__ == "__main__":
    main()
