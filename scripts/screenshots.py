"""Take the pictures of the page that the README shows, of a run over the bundled digits.

    python scripts/screenshots.py [RUN]

RUN is a finished run with bundles; without it, the demo is trained first (a minute or two).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

SCREENS = Path(__file__).resolve().parents[1] / "docs" / "screens"
BAKEOFF = (sys.executable, "-m", "bakeoff")
SEVEN = [(0.28, 0.22), (0.72, 0.22), (0.62, 0.42), (0.52, 0.6), (0.45, 0.82)]


def main() -> None:
    """Train if need be, serve, and go from room to room."""
    with tempfile.TemporaryDirectory() as home:
        run = Path(sys.argv[1]).resolve() if sys.argv[1:] else Path(home, "runs", "digits")
        if not run.exists():
            subprocess.run([*BAKEOFF, "demo", "--out", str(run), "--no-open"], check=True)  # noqa: S603
        SCREENS.mkdir(exist_ok=True)
        with served(run, Path(home)) as address, sync_playwright() as playwright:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for name, place, act in VIEWS:
                for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
                    take(
                        browser,
                        f"{address}/#{place.format(run=run.name)}",
                        act,
                        name,
                        scheme,
                        width,
                    )


@contextmanager
def served(run: Path, home: Path) -> Iterator[str]:
    """The address of a server over the run."""
    command = [*BAKEOFF, "serve", str(run), "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        said = iter(process.stdout.readline, "")
        yield next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
        process.terminate()


def take(
    browser: Browser, url: str, act: Callable[[Page], None], name: str, scheme: str, width: int
) -> None:
    """One picture: docs/screens/NAME[-dark|-phone].png."""
    size = {"width": width, "height": 860 if width > 600 else 844}
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    act(page)
    page.wait_for_timeout(800)
    suffix = "-phone" if width < 600 else "-dark" if scheme == "dark" else ""
    page.screenshot(path=SCREENS / f"{name}{suffix}.png")
    context.close()


def draw_seven(page: Page) -> None:
    """A seven, drawn with the pointer."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(SEVEN):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if not number:
            page.mouse.down()
    page.mouse.up()


def nothing(_: Page) -> None:
    """The room as one enters it."""


VIEWS: tuple[tuple[str, str, Callable[[Page], None]], ...] = (
    ("try", "/try/{run}", draw_seven),
    ("compare", "/compare/{run}", nothing),
    ("confusion", "/compare/{run}?view=confusion", nothing),
    ("data", "/data/{run}", nothing),
    ("train", "/train", nothing),
)

if __name__ == "__main__":
    main()
