"""Take the pictures of the page that the README shows, of runs over the bundled sets.

    python scripts/screenshots.py [DOODLES [CLOTHING]]

Both are finished runs with bundles, of the demo and of its photos; one that is not given is trained
first (some minutes).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

SCREENS = Path(__file__).resolve().parents[1] / "docs" / "screens"
BAKEOFF = (sys.executable, "-m", "bakeoff")
HOUSE = (
    [(0.22, 0.48), (0.22, 0.84), (0.78, 0.85), (0.79, 0.49)],
    [(0.13, 0.5), (0.5, 0.17), (0.88, 0.51), (0.13, 0.5)],
    [(0.43, 0.84), (0.43, 0.64), (0.57, 0.63), (0.58, 0.84)],
)


def main() -> None:
    """Train if need be, serve, and go from room to room."""
    with tempfile.TemporaryDirectory() as home:
        given = dict(zip(VIEWS, sys.argv[1:], strict=False))
        runs = {name: Path(given.get(name, Path(home, "runs", name))).resolve() for name in VIEWS}
        for name, run in runs.items():
            if not run.exists():
                demo = [*BAKEOFF, "demo", "--set", name, "--out", str(run), "--no-open"]
                subprocess.run(demo, check=True)  # noqa: S603
        searched = Path(home, "studies", "doodles")
        asked = ["-a", "baseline", "--trials", "24", "--budget", "quick", "--inner", "1"]
        subprocess.run(  # noqa: S603
            [*BAKEOFF, "tune", "doodles", *asked, "--out", str(searched), "--no-open"], check=True
        )
        SCREENS.mkdir(exist_ok=True)
        with (
            served([*runs.values()], Path(home)) as address,
            sync_playwright() as playwright,
        ):
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for which, run in runs.items():
                for name, place, act in VIEWS[which]:
                    url = f"{address}/#{place.format(run=run.name)}"
                    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
                        take(browser, url, act, name, scheme, width)


@contextmanager
def served(runs: Sequence[Path], home: Path) -> Iterator[str]:
    """The address of a server over the runs."""
    command = [*BAKEOFF, "serve", *map(str, runs), "--home", str(home), "--port", "0"]
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


def draw_a_house(page: Page) -> None:
    """A house, drawn with the pointer, and why each model takes it for one."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    for line in HOUSE:
        for number, (x, y) in enumerate(line):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
            if not number:
                page.mouse.down()
        page.mouse.up()
    page.wait_for_load_state("networkidle")  # so that the milliseconds are those of the last stroke
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_text("Covering one part after another")).to_have_count(0, timeout=60_000)


def open_a_cell(page: Page) -> None:
    """The pictures behind the commonest confusion."""
    page.locator("table button").filter(has_text=re.compile(r"^[3-9]$")).first.click()


def nothing(_: Page) -> None:
    """The room as one enters it."""


View = tuple[str, str, Callable[[Page], None]]
DOODLES: tuple[View, ...] = (
    ("try", "/try/{run}", draw_a_house),
    ("compare", "/compare/{run}", nothing),
    ("confusion", "/compare/{run}?view=confusion&a=cnn", open_a_cell),
    ("robustness", "/compare/{run}?view=robustness", nothing),
    ("data", "/data/{run}", nothing),
    ("train", "/train", nothing),
    ("tune", "/tune/doodles?view=parallel", nothing),
)
PHOTOS: tuple[View, ...] = (("photos", "/compare/{run}", nothing),)
VIEWS = {"doodles": DOODLES, "clothing": PHOTOS}

if __name__ == "__main__":
    main()
