"""A real browser, and a real server over a run that was trained for the purpose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)
from tests.report.made_up_run import make_run

from bakeoff.bundle.web import export_web
from bakeoff.data.read import read
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import ApproachResult, Results
from bakeoff.report import write_report
from bakeoff.run.bake import bake
from bakeoff.workers.robustness import PICTURES

from ..shared import made_once
from .firefox import firefox_program, launch_firefox
from .gestures import box_of

WEB = Path(__file__).resolve().parents[2] / "web"
# Without a window first: it opens a page for 0.09 s of processor time, Chromium's own for 0.4 s.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
# A browser with no errand of its own: no sandbox where CI is root, no calls home. It has a camera
# of its own making, whose owner says yes at once. It compiles WebAssembly once: a static page takes
# 1.2 s of processor time until its first answer, 2.7 s if it also optimises what it compiled.
QUIET = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--js-flags=--liftoff-only",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What a page does on its own, on a machine that does other things too.
PATIENCE = 15_000  # ms
expect.set_options(timeout=PATIENCE)

TRY = "/try/digits"
ONE = [(0.5, 0.15), (0.5, 0.85)]
SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]
VIEWS = (
    "overview",
    "confusion",
    "mistakes",
    "sides",
    "classes",
    "calibration",
    "robustness",
    "learning",
    "curves",
    "cost",
)


@dataclass(frozen=True)
class Served:
    """A server over a home folder with one finished run."""

    address: str
    run: str
    home: Path

    def at(self, place: str) -> str:
        """The address of a place of the page, such as ``/compare/digits``."""
        return f"{self.address}/#{place}"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers of all tests. It keeps an event loop at work, so these tests run in
    a process of their own.
    """
    with sync_playwright() as started:
        yield started


def installed(program: str | None, name: str) -> str:
    """Where a browser is; the test is skipped without it."""
    if program is None:
        assert "CI" not in os.environ, f"CI installs {name}"
        pytest.skip(f"no {name} here; install it to test the page")
    return program


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, as the system has it, for all tests."""
    program = installed(next(filter(None, map(shutil.which, CHROMIUM)), None), "Chromium")
    opened = playwright.chromium.launch(executable_path=program, args=list(QUIET))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def firefox(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Firefox, as the system has it, for all tests."""
    program = installed(firefox_program(), "Firefox")
    opened = launch_firefox(playwright, program, tmp_path_factory.mktemp("firefox"))
    yield opened
    opened.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Browser:
    """The browser of a test: Chromium, and Firefox too with `in_both`."""
    name = getattr(request, "param", "chromium")
    opened: Browser = request.getfixturevalue({"chromium": "browser"}.get(name, name))
    return opened


# Marks a test that uses `page`, or `engine`, to run once in each browser.
in_both = pytest.mark.parametrize("engine", ["chromium", "firefox"], indirect=True)
# The same, in Firefox in the long tier only: what may differ there a shorter test looks at too.
in_both_at_length = pytest.mark.parametrize(
    "engine", ["chromium", pytest.param("firefox", marks=pytest.mark.long)], indirect=True
)


@pytest.fixture
def page(engine: Browser) -> Iterator[Page]:
    """A fresh page of 1280×900. What it complains of, or asks of other hosts, fails the test.

    A test that provokes a refusal on purpose says so with `provokes`.
    """
    with watched(engine, viewport={"width": 1280, "height": 900}) as opened:
        yield opened


def provokes(page: Page, *words: str) -> None:
    """Allow complaints with one of these words, such as "status of 404", whenever they come."""
    page.provoked.extend(words)  # type: ignore[attr-defined]


class watched:  # noqa: N801 - used like `open`
    """A page in a context of its own, with options of `Browser.new_context`."""

    def __init__(self, browser: Browser, **options: object) -> None:
        self.context = browser.new_context(**options)  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.provoked: list[str] = []

    def __enter__(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        page.provoked = self.provoked  # type: ignore[attr-defined]
        return page

    def __exit__(self, kind: type | None, *_: object) -> None:
        self.context.close()
        if kind is None:
            others = [
                said for said in self.complaints if not any(word in said for word in self.provoked)
            ]
            assert others == []

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        if not re.match(r"(https?://127\.0\.0\.1[:/]|data:|blob:|file:)", request.url):
            self.complaints.append(f"asked for {request.url}")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run over 400 of scikit-learn's digits, at home/runs/digits, with bundles.

    It is trained once for all processes, and copied: tests change it and add to its home.
    """
    place = Path("runs") / "digits"

    def train(path: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(PICTURES, "quick", 20)
            bake(
                read("digits").take(np.arange(400)),
                path / place,
                approaches=("baseline", "cnn"),
                folds=2,
                test=0.2,
                settings={"cnn": {"epochs": 6, "stem": "pixels"}},
                budget="quick",
                threads=1,
                workers="local:1",
                neighbours=True,
            )

    home = tmp_path_factory.mktemp("home") / "home"
    shutil.copytree(made_once(tmp_path_factory, "trained", train), home)
    return RunFolder.open(home / place)


@contextmanager
def launched(home: Path, *what: str) -> Iterator[str]:
    """The address of a `bakeoff serve` with this home, on a port of its own, in the block."""
    command = [sys.executable, "-m", "bakeoff", "serve", *what]
    command += ["--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as process:
        assert process.stdout is not None
        said = iter(process.stdout.readline, "")
        address = next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
        try:
            yield address
        finally:  # else a test that fails would wait for it for ever
            process.terminate()


def serving(run: Path, *more: str) -> AbstractContextManager[str]:
    """The address of a server over a run, in the block."""
    return launched(run.parents[1], str(run), *more)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with an empty folder to work in."""
    with launched(tmp_path_factory.mktemp("workshop")) as address:
        yield address
        for run in asked(address, "GET", "/api/runs"):
            if run["status"] == "running":
                asked(address, "POST", f"/api/runs/{run['name']}/cancel")


def asked(address: str, method: str, path: str, body: object = None) -> list[dict[str, str]]:
    """What the server answers to JSON."""
    response = httpx.request(method, address + path, json=body, timeout=60)
    response.raise_for_status()
    found: list[dict[str, str]] = response.json() if response.content else []
    return found


@pytest.fixture(scope="session")
def served(trained: RunFolder) -> Iterator[Served]:
    """`bakeoff serve` over that run."""
    with serving(trained.path) as address:
        yield Served(address, trained.path.name, trained.path.parents[1])


class Quiet(SimpleHTTPRequestHandler):
    """Files as they are, without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """The address of a plain file server over a folder, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        serving.join()


@pytest.fixture(scope="session")
def exported(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run as a static page, two folders deep."""
    root = tmp_path_factory.mktemp("site")
    export_web([trained.path], root / "some" / "where")
    return root


@pytest.fixture(scope="session")
def site(exported: Path) -> Iterator[str]:
    """The address of the static page."""
    with hosted(exported) as address:
        yield f"{address}some/where/"


# A camera that shows a black bar on white paper.
CAMERA = """if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
  const brush = canvas.getContext('2d');
  setInterval(() => { brush.fillStyle = '#fff'; brush.fillRect(0, 0, 64, 48);
    brush.fillStyle = '#000'; brush.fillRect(30, 8, 5, 32); }, 30);
  return (window.camera = canvas.captureStream(30));
}"""


@cache
def axe() -> str:
    """The script of axe-core."""
    return (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def all_there(page: Page) -> None:
    """Wait until a place has all that it asked for; how long a training takes is measured first."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle", timeout=60_000)


def enter(page: Page, served: Served, place: str) -> None:
    """Open a place as one who comes by a link, and wait until all of it is there."""
    page.goto("about:blank")
    page.goto(served.at(place))
    all_there(page)


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wide


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, RunFolder]]:
    """`bakeoff serve` over a made-up run that tells all that a run can tell."""
    home = tmp_path_factory.mktemp("made")
    path = home / "runs" / "made"
    run = make_run(path, pictures=300, test=60, groups=("digit", "drawn", "stamp"))
    write_report(run)
    with serving(path) as address:
        yield Served(address, "made", home), run


@pytest.fixture
def told(page: Page, made: tuple[Served, RunFolder]) -> Page:
    """A page of that server, at nothing yet."""
    page.goto(f"{made[0].address}/#/compare/made")
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    return page


def view(page: Page, name: str) -> None:
    """Go to a view by its tab."""
    page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()


def at_view(page: Page, name: str) -> None:
    """Wait until a view is the one that is shown, by its address; the first has none."""
    here = page.get_by_role("navigation", name="Views").locator("[aria-current]")
    query = "" if name == VIEWS[0] else rf"\?view={name}\b.*"
    expect(here).to_have_attribute("href", re.compile(rf"^#/\w+/\w+{query}$"))


def weakest(run: RunFolder) -> ApproachResult:
    """The approach with the most mistakes out of fold."""
    return max(run.results().approaches, key=lambda one: len(one.mistakes))


def opening(results: Results) -> str:
    """How the verdict of a run begins, as far as no figure follows."""
    assert results.verdict is not None
    return results.verdict.sentences[0].text.partition(" gets ")[0] + " gets"


def settled(page: Page) -> Locator:
    """The heading of the view, once it is there."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    return heading


@pytest.fixture(scope="session")
def digits() -> NDArray[np.uint8]:
    """Twenty digits of 8×8 that the models learned from."""
    found = read("digits")
    return np.stack([np.array(found.pictures[row])[..., 0] for row in range(20)])


@pytest.fixture
def room(page: Page, served: Served) -> Page:
    page.goto(served.at(TRY))
    expect(page.get_by_text("Draw something")).to_be_visible()
    return page


def answer(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title).locator("[data-answer]")


def choose(page: Page, *files: Path) -> None:
    page.get_by_label("Pictures, a zip, or a CSV of pixels").set_input_files(list(files))


def saved(folder: Path, pixels: NDArray[np.uint8], name: str) -> Path:
    Image.fromarray(pixels).resize((64, 64)).save(folder / name)
    return folder / name


def draw(page: Page, line: list[tuple[float, float]]) -> None:
    box = box_of(page.locator("canvas").first)
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line]
    page.mouse.move(*places[0])
    page.mouse.down()
    for _, there in pairwise(places):
        page.mouse.move(*there, steps=8)
    page.mouse.up()
