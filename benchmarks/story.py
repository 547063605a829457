"""The story of a new user on the page, played in Chromium, with the seconds of each step.

    python benchmarks/story.py [--film docs/screens/story.webp]

Two classes are drawn, six pictures each; a run is trained; a drawing is answered; a label is
corrected; the models so far are shared, and the shared page is opened and answers. Server and
browser run on this machine. The pen moves as fast as the page takes it: the seconds are those of
the software, not of a hand. With --film the screen is kept as an animation.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from measure import hardware
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

EACH = 6
PATIENCE = 240_000  # ms, for a training on a busy machine
SIZE = {"width": 1000, "height": 700}
FILM_WIDTH = 720


def main() -> None:
    """Play it and print the seconds."""
    parser = argparse.ArgumentParser(description="The story of a new user, timed")
    parser.add_argument("--film", type=Path, help="an animated WebP to write")
    film = parser.parse_args().film
    expect.set_options(timeout=PATIENCE)
    print(f"{hardware()}\n\nseconds  step")
    with (
        tempfile.TemporaryDirectory() as home,
        served(Path(home)) as address,
        sync_playwright() as playwright,
    ):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        story = Story(browser, address)
        story.play()
        browser.close()
    print(f"{sum(story.seconds.values()):7.1f}  in all")
    if film:
        write_film(film, story.frames)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a server with an empty folder."""
    command = [sys.executable, "-m", "bakeoff", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as process:
        assert process.stdout is not None
        said = iter(process.stdout.readline, "")
        try:
            yield next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
        finally:  # else it would be waited for
            process.terminate()


@dataclass
class Story:
    """The steps, in order."""

    browser: Browser
    address: str
    seconds: dict[str, float] = field(default_factory=dict)
    frames: list[tuple[bytes, int]] = field(default_factory=list)  # JPEG, ms

    def play(self) -> None:
        """All of it, on one page, and a second one for whoever gets the link."""
        page = self.browser.new_context(viewport=SIZE).new_page()
        page.set_default_timeout(PATIENCE)
        steps: tuple[tuple[str, Callable[[Page], None]], ...] = (
            ("open the page and name two classes", self.begin),
            (f"draw {2 * EACH} pictures", self.draw_all),
            ("train until the first model answers", self.train),
            ("draw, until all models have answered", self.ask),
            ("correct a label", self.fix),
            ("publish", self.share),
            ("open the shared page and draw there", self.visit),
        )
        for words, step in steps:
            start = time.perf_counter()
            step(page)
            self.seconds[words] = time.perf_counter() - start
            print(f"{self.seconds[words]:7.1f}  {words}", flush=True)
            self.see(page, 1200)

    def see(self, page: Page, milliseconds: int = 250) -> None:
        """Keep the screen for the film."""
        self.frames.append((page.screenshot(type="jpeg", quality=80), milliseconds))

    def begin(self, page: Page) -> None:
        """Train, a new set, its classes."""
        page.goto(f"{self.address}/#/train")
        page.get_by_label("Name of the set").fill("shapes")
        page.get_by_role("button", name="Start drawing").click()
        for label in ("ring", "cross"):
            page.get_by_label("New class").fill(label)
            page.get_by_label("New class").press("Enter")

    def draw_all(self, page: Page) -> None:
        """Six of each class; the keys 1 and 2 choose it, Enter adds the drawing."""
        for number in range(EACH):
            for key, label, lines in (
                ("1", "ring", ring(number)),
                ("2", "cross", cross(number)),
            ):
                page.get_by_role("heading", name="Classes").click()  # out of any field
                page.keyboard.press(key)
                expect(page.get_by_text(f"Draw {label}", exact=True)).to_be_visible()
                draw(page, lines)
                self.see(page)
                page.keyboard.press("Enter")
                counted = page.get_by_role("button", name=f"{label} {number + 1} of at least 10")
                expect(counted).to_be_visible()

    def train(self, page: Page) -> None:
        """The proposals as they are: a quick run of the default approaches."""
        page.get_by_role("link", name="Train on this set").click()
        page.get_by_role("button", name="Start training").click()
        expect(page.get_by_text("Try opens when")).to_be_visible()
        self.see(page, 1000)
        expect(page).to_have_url(re.compile("#/try/"))

    def ask(self, page: Page) -> None:
        """A drawing that is in no set."""
        draw(page, ring(9))
        expect(page.locator("[data-answer]").first).to_have_attribute(
            "data-answer", re.compile("ring|cross")
        )

    def fix(self, page: Page) -> None:
        """A picture of the set gets its other class, and is kept for the next training."""
        page.get_by_role("link", name="Data", exact=True).click()
        page.get_by_role("link", name=re.compile("^Pictures")).click()
        page.get_by_role("region", name="Pictures").get_by_role("button").first.click()
        labels = page.get_by_role("region", name="Correct the label")
        self.see(page, 1000)
        labels.get_by_role("button", name=re.compile("ring|cross"), pressed=False).click()
        expect(page.get_by_text("1 change", exact=True)).to_be_visible()
        self.see(page, 1000)
        page.keyboard.press("Escape")
        self.see(page, 1000)
        page.get_by_role("link", name="Try", exact=True).click()

    def share(self, page: Page) -> None:
        """The page under /s/."""
        page.get_by_role("button", name="Share").click()
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("link", name="Open")).to_be_visible()

    def visit(self, page: Page) -> None:
        """As somebody else, with the address alone."""
        link = str(page.get_by_role("link", name="Open").get_attribute("href"))
        other = self.browser.new_context(viewport=SIZE).new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(link)
        expect(other.get_by_text("Draw something")).to_be_visible()
        draw(other, cross(8))
        expect(other.locator("[data-answer]").first).to_have_attribute(
            "data-answer", re.compile("ring|cross")
        )
        self.see(other, 1500)


Line = list[tuple[float, float]]


def ring(number: int) -> list[Line]:
    """A polygon of growing size, as shares of the paper."""
    size = 0.2 + 0.02 * number
    corners = ((-1, -0.4), (-0.4, -1), (0.4, -1), (1, -0.4), (1, 0.4), (0.4, 1), (-0.4, 1))
    points = [(0.5 + size * x, 0.48 + 0.9 * size * y) for x, y in (*corners, (-1, 0.4))]
    return [[*points, points[0]]]


def cross(number: int) -> list[Line]:
    """Two lines that cross, leaning more and more."""
    size, lean = 0.2 + 0.02 * number, 0.015 * number
    return [
        [(0.5 - size, 0.5 - size + lean), (0.5 + size, 0.5 + size - lean)],
        [(0.5 + size - lean, 0.5 - size), (0.5 - size + lean, 0.5 + size)],
    ]


def draw(page: Page, lines: list[Line]) -> None:
    """With the mouse."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    for line in lines:
        for number, (x, y) in enumerate(line):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
            if not number:
                page.mouse.down()
        page.mouse.up()


def write_film(path: Path, frames: list[tuple[bytes, int]]) -> None:
    """The screens as an animated WebP."""
    pictures = [Image.open(io.BytesIO(data)) for data, _ in frames]
    height = round(FILM_WIDTH * SIZE["height"] / SIZE["width"])
    small = [picture.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    times = [milliseconds for _, milliseconds in frames]
    small[0].save(
        path, "WEBP", save_all=True, append_images=small[1:], duration=times, loop=0, quality=70
    )


if __name__ == "__main__":
    main()
