"""The story of a new user on the page, played in Chromium, with the seconds of each step.

    python benchmarks/story.py
    python benchmarks/story.py --film docs/screens/story.webp

Two classes are drawn, six pictures each; a run is trained; a drawing is answered; a label is
corrected; the models so far are shared, and the shared page is opened and answers. Server and
browser run on this machine. The pen moves as fast as the page takes it: the seconds are those of
the software, not of a hand. What is printed belongs into `page.txt`. With --film the screens
are kept as the animation of the README, which slows the story down, and no seconds are printed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from film import SIZE, Film, NoFilm
from measure import hardware
from playwright.sync_api import Browser, Page, expect, sync_playwright

EACH = 6
PATIENCE = 240_000  # ms, for a training on a busy machine
VIEW = {"width": SIZE[0], "height": SIZE[1]}
PHONE = {"width": 390, "height": SIZE[1]}
LASTS = 20.0  # seconds of film


def main() -> None:
    """Play it, and print the seconds or write the film."""
    parser = argparse.ArgumentParser(description="The story of a new user, timed")
    parser.add_argument("--film", type=Path, help="an animated WebP to write")
    path = parser.parse_args().film
    expect.set_options(timeout=PATIENCE)
    film = Film() if path else NoFilm()
    with (
        tempfile.TemporaryDirectory() as home,
        served(Path(home)) as address,
        sync_playwright() as playwright,
    ):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        story = Story(browser, address, film)
        story.play()
        story.end()
        browser.close()
    if isinstance(film, Film):
        film.write(path, LASTS)
        return
    print(f"{hardware()}; two classes of {EACH} drawings\n\n| seconds | step |\n|---|---|")
    for words, seconds in story.seconds.items():
        print(f"| {seconds:.1f} | {words} |")
    print(f"| {sum(story.seconds.values()):.1f} | in all |")


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
    film: NoFilm
    seconds: dict[str, float] = field(default_factory=dict)

    def play(self) -> None:
        """All of it, on one page, and on that of the one who gets the link."""
        page = self.browser.new_context(viewport=VIEW).new_page()
        page.set_default_timeout(PATIENCE)
        steps: tuple[tuple[str, str, Callable[[Page], None]], ...] = (
            ("open the page and name two classes", "Name two classes", self.begin),
            (f"draw {2 * EACH} pictures", "Draw six pictures of each", self.draw_all),
            ("train until the first model answers", "Train several models", self.train),
            ("draw, until a model has answered", "The first model answers as you draw", self.ask),
            ("correct a label", "Correct a label where you see it", self.fix),
            ("publish", "Share the models as a page", self.share),
            ("open the shared page and draw there", "Anybody with the link can draw", self.visit),
        )
        for words, caption, step in steps:
            self.film.say(caption)
            start = time.perf_counter()
            step(page)
            self.seconds[words] = time.perf_counter() - start

    def end(self) -> None:
        """Stop the training, which would go on without the server."""
        request = self.browser.new_context(base_url=self.address).request
        for run in request.get("/api/runs").json():
            if run["status"] == "running":
                request.post(f"/api/runs/{run['name']}/cancel")

    def begin(self, page: Page) -> None:
        """Train, a new set, its classes."""
        page.goto(f"{self.address}/#/train")
        name = page.get_by_label("Name of the set")
        self.film.click(page, name, 200)
        name.fill("shapes")
        self.film.click(page, page.get_by_role("button", name="Start drawing"), 400)
        for label in ("ring", "cross"):
            field = page.get_by_label("New class")
            field.fill(label)
            self.film.look(page, 300)
            field.press("Enter")
            self.film.look(page, 300)

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
                page.evaluate("scrollTo(0, 0)")
                self.draw(page, lines, each=not number)
                self.film.look(page, 170)
                page.keyboard.press("Enter")
                counted = page.get_by_role("button", name=f"{label} {number + 1} of at least 10")
                expect(counted).to_be_visible()
        self.film.look(page, 500)

    def train(self, page: Page) -> None:
        """The proposals as they are: a quick run of the default approaches."""
        self.film.click(page, page.get_by_role("link", name="Train on this set"), 500)
        self.film.click(page, page.get_by_role("button", name="Start training"), 300)
        expect(page.get_by_text("Try opens when")).to_be_visible()
        while isinstance(self.film, Film) and "#/try/" not in page.url:
            self.film.look(page, 90)
            page.wait_for_timeout(600)
        expect(page).to_have_url(re.compile("#/try/"))

    def ask(self, page: Page) -> None:
        """A drawing that is in no set, and hardly larger: a far larger one is none of these."""
        expect(page.get_by_text("Draw something")).to_be_visible()
        self.film.look(page, 300)
        self.draw(page, ring(6), each=True)
        expect(page.locator("[data-answer]").first).to_have_attribute(
            "data-answer", re.compile("ring|cross")
        )
        self.film.look(page, 1400)

    def fix(self, page: Page) -> None:
        """A picture of the set gets its other class, and is kept for the next training."""
        self.film.click(page, page.get_by_role("link", name="Data", exact=True), 500)
        self.film.click(page, page.get_by_role("link", name=re.compile("^Pictures")), 400)
        pictures = page.get_by_role("region", name="Pictures").get_by_role("button")
        self.film.click(page, pictures.first, 600)
        labels = page.get_by_role("region", name="Correct the label")
        other = labels.get_by_role("button", name=re.compile("ring|cross"), pressed=False)
        self.film.click(page, other, 900)
        page.keyboard.press("Escape")
        expect(page.get_by_text("1 change", exact=True)).to_be_visible()
        self.film.look(page, 900)

    def share(self, page: Page) -> None:
        """The page under /s/."""
        self.film.click(page, page.get_by_role("link", name="Try", exact=True), 200)
        self.film.click(page, page.get_by_role("button", name="Share"), 300)
        self.film.click(page, page.get_by_role("button", name="Publish"), 300)
        expect(page.get_by_role("link", name="Open")).to_be_visible()
        self.film.look(page, 1200)

    def visit(self, page: Page) -> None:
        """As somebody else, on a phone, with the address alone."""
        link = str(page.get_by_role("link", name="Open").get_attribute("href"))
        other = self.browser.new_context(viewport=PHONE).new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(link)
        expect(other.get_by_text("Draw something")).to_be_visible()
        self.film.look(other, 500)
        self.draw(other, cross(8), each=True)
        expect(other.locator("[data-answer]").first).to_have_attribute(
            "data-answer", re.compile("ring|cross")
        )
        self.film.look(other, 700)
        other.locator("[data-answer]").first.scroll_into_view_if_needed()
        self.film.look(other, 1500)

    def draw(self, page: Page, lines: list[Line], *, each: bool) -> None:
        """With the mouse; the film shows each part of a line, or the end alone."""
        box = page.locator("canvas").first.bounding_box()
        assert box is not None, "the paper is there"
        for line in lines:
            spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line]
            self.film.go(spots[0], down=not each)
            page.mouse.move(*spots[0])
            page.mouse.down()
            for _, spot in pairwise(spots):
                page.mouse.move(*spot, steps=3)
                self.film.go(spot, down=True)
                if each:
                    self.film.look(page, 70)
            page.mouse.up()


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


if __name__ == "__main__":
    main()
