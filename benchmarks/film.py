"""An animation of a page that is used, made of its screens, with a pointer and a line of words."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page

__all__ = ["SIZE", "Film", "NoFilm"]

SIZE = (900, 620)  # of a screen, in pixels
STRIP = 44  # for the words
PAPER, INK, ACCENT = "#e9edf3", "#101828", "#ffb454"
STEPS = 5  # pictures of a pointer on its way
ON_ITS_WAY = 45  # ms for each of them
ARROW = ((0, 0), (0, 22), (5, 17), (9, 25), (13, 23), (9, 16), (16, 16))
Spot = tuple[float, float]


class NoFilm:
    """Clicks and nothing else."""

    def say(self, words: str) -> None:
        """What the following screens show."""

    def look(self, page: Page, milliseconds: int = 250) -> None:
        """Keep the screen for so long."""

    def go(self, spot: Spot, *, down: bool = False) -> None:
        """The pointer is there now."""

    def click(self, page: Page, target: Locator, milliseconds: int = 250) -> None:  # noqa: ARG002
        """With the pointer, and see what it does."""
        target.click()


@dataclass
class Film(NoFilm):
    """What was seen."""

    words: str = ""
    pictures: list[Image.Image] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    screen: Image.Image = field(default_factory=lambda: Image.new("RGB", SIZE, PAPER))
    at: Spot = (SIZE[0] / 2, SIZE[1] * 0.8)
    left: float = 0  # of the screen within the picture

    def say(self, words: str) -> None:
        self.words = words

    def look(self, page: Page, milliseconds: int = 250) -> None:
        screen = Image.open(io.BytesIO(page.screenshot(type="png"))).convert("RGB")
        self.screen, self.left = screen, (SIZE[0] - screen.width) // 2
        self._keep(milliseconds, down=False)

    def go(self, spot: Spot, *, down: bool = False) -> None:
        start, self.at = self.at, spot
        if down:
            return  # the next look shows it
        for step in range(1, STEPS + 1):
            share = step / STEPS
            self.at = tuple(a + (b - a) * share for a, b in zip(start, spot, strict=True))  # type: ignore[assignment]
            self._keep(ON_ITS_WAY, down=False)

    def click(self, page: Page, target: Locator, milliseconds: int = 250) -> None:
        target.scroll_into_view_if_needed()
        self.look(page, 60)
        box = target.bounding_box()
        assert box is not None, "it is visible"
        self.go((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
        self._keep(120, down=True)
        target.click()
        page.wait_for_timeout(150)  # what moves has moved
        self.look(page, milliseconds)

    def _keep(self, milliseconds: int, *, down: bool) -> None:
        picture = Image.new("RGB", (SIZE[0], SIZE[1] + STRIP), PAPER)
        picture.paste(self.screen, (int(self.left), 0))
        brush = ImageDraw.Draw(picture)
        if self.left:
            edge = (self.left - 1, -1, self.left + self.screen.width, SIZE[1])
            brush.rectangle(edge, outline="#98a2b3")
        x, y = self.at[0] + self.left, self.at[1]
        if down:
            brush.ellipse((x - 16, y - 16, x + 16, y + 16), outline=ACCENT, width=4)
        brush.polygon([(x + a, y + b) for a, b in ARROW], fill=INK, outline="white", width=2)
        brush.rectangle((0, SIZE[1], SIZE[0], SIZE[1] + STRIP), fill=INK)
        font = ImageFont.load_default(20)
        brush.text((SIZE[0] / 2, SIZE[1] + STRIP / 2), self.words, "white", font, "mm")
        self.pictures.append(picture)
        self.times.append(milliseconds)

    def write(self, path: Path, seconds: float) -> None:
        """As a WebP that takes so many seconds and starts again."""
        scale = 1000 * seconds / sum(self.times)
        first, *others = self.pictures
        first.save(
            path,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=[max(20, round(scale * time)) for time in self.times],
            loop=0,
            quality=60,
            method=4,
        )
