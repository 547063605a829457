"""The page in Chromium, on the same two cores as the server: first load, and ink to answer.

    python benchmarks/page.py RUN > benchmarks/page.txt
    python benchmarks/page.py RUN BEFORE >> benchmarks/page.txt

RUN has bundles; all its models answer. The first load is timed in a fresh browser context until the
paper accepts strokes; its size, in each language, is that of the downloaded files, each compressed
by gzip. Then sixty strokes are drawn with the pointer. Ink to answer is the time from reading the
paper's pixels to the frame that shows their answers. Answers from the camera are counted for five
seconds, of all models and of the fastest alone; the page asks for fourteen a second at most.

BEFORE is a folder with another version of bakeoff, its page built. Both versions then draw in turn,
in one browser, so that other work on the machine slows both.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

from measure import hardware
from playwright.sync_api import Browser, Page, Response, sync_playwright

LOADS, ROUNDS, STEPS, FILMED = 7, 20, 12, 5
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LANGUAGES = ("en", "de", "es", "fr", "uk", "hi")
LINES = (
    [(0.3, 0.2), (0.7, 0.2)],
    [(0.7, 0.2), (0.45, 0.85)],
    [(0.3, 0.5), (0.6, 0.5)],
)
WATCH = """
() => {
  window.lags = [];
  let read = 0, answered = 0, packed = 0;
  const pixels = CanvasRenderingContext2D.prototype.getImageData;
  CanvasRenderingContext2D.prototype.getImageData = function (...given) {
    read = performance.now();
    return pixels.apply(this, given);
  };
  // Versions that pack with it read pixels of later ink before they send the earlier ones.
  const Packing = window.CompressionStream;
  window.CompressionStream = class extends Packing {
    constructor(...given) {
      super(...given);
      packed = read;
    }
  };
  const ask = window.fetch;
  window.fetch = async (address, options) => {
    if (!String(address).includes("/predict")) return ask(address, options);
    const since = packed || read;
    packed = 0;
    const answer = await ask(address, options);
    answered = since;
    return answer;
  };
  new MutationObserver(() => {
    if (!answered) return;
    const since = answered;
    answered = 0;
    requestAnimationFrame(() => window.lags.push(performance.now() - since));
  }).observe(document.querySelector(".answers"), {
    subtree: true, characterData: true, childList: true, attributes: true,
  });
}
"""
# Answers a second, over some seconds from now.
COUNT = """
async (seconds) => {
  let answered = 0;
  const ask = window.fetch;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    if (String(given[0]).includes("/predict")) answered++;
    return answer;
  };
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  window.fetch = ask;
  return answered / seconds;
}
"""


def main() -> None:
    """Print a row for each figure."""
    run, *before = (Path(text).resolve() for text in sys.argv[1:])
    models = len(list((run / "bundles").iterdir()))
    with sync_playwright() as playwright, ExitStack() as stack:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", *CAMERA],
        )
        urls = [stack.enter_context(_served(run, tree)) for tree in (*before, None)]
        alone = [] if before else [stack.enter_context(_served(_fastest(run), None))]
        for url in urls:
            _first_load(browser, url)  # the models are loaded when first asked for
        loads = [] if before else [_first_load(browser, urls[0]) for _ in range(LOADS)]
        sizes = [[_first_load(browser, url, tag)[1] / 1e3 for tag in LANGUAGES] for url in urls]
        lags = _lags(browser, urls)
        rates = [_from_the_camera(browser, url) for url in (urls[0], *alone)] if alone else []
    load = f"; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores" if before else ""
    print(f"\n{hardware()}; {models} models of {run.name}{load}\n")
    print(f"| what |{' before |' if before else ''} measured |")
    print("|---|---|" + ("---|" if before else ""))
    packed = "".join(f" {min(one):.0f} to {max(one):.0f} KB |" for one in sizes)
    print(f"| first load, packed, by language |{packed}")
    if loads:
        seconds = median(seconds for seconds, _ in loads)
        print(f"| first load, until one can draw, median of {LOADS} | {seconds:.2f} s |")
    many = " and ".join(str(len(one)) for one in lags)
    print(f"| ink to answer, median of {many} |{_row([median(one) for one in lags])}")
    print(f"| … 95 % are within |{_row([quantiles(one, n=20)[-1] for one in lags])}")
    for whose, rate in zip(("all models", "the fastest model alone"), rates, strict=False):
        print(f"| answers a second from the camera, {whose} | {rate:.1f} |")


def _row(figures: list[float]) -> str:
    return "".join(f" {figure:.0f} ms |" for figure in figures)


def _fastest(run: Path) -> Path:
    """The bundle that answers one picture in the least time."""
    approaches = json.loads((run / "results.json").read_text(encoding="utf-8"))["approaches"]
    fastest = min(approaches, key=lambda one: one["latency"]["batch_1_ms"])
    return run / "bundles" / fastest["name"]


@contextmanager
def _served(what: Path, tree: Path | None) -> Iterator[str]:
    """The address of Try with a run or bundle, by this version of bakeoff or the one in `tree`."""
    command = [sys.executable, "-m", "bakeoff", "serve", str(what), "--port", "0"]
    env = dict(os.environ) if tree is None else {**os.environ, "PYTHONPATH": str(tree / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None, "it is piped"
        said = iter(process.stdout.readline, "")
        address = next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
        yield f"{address}/#/try/{what.name if (what / 'results.json').exists() else ''}"
        process.terminate()


def _first_load(browser: Browser, url: str, language: str = "en") -> tuple[float, int]:
    """Seconds until the paper accepts strokes, and compressed bytes of the page's files."""
    page = browser.new_context(locale=language).new_page()
    files: list[Response] = []
    page.on("response", lambda one: None if "/api/" in one.url else files.append(one))
    page.goto(url, wait_until="commit")
    page.get_by_role("application").wait_for()
    seconds = page.evaluate("performance.now()") / 1e3
    size = sum(len(gzip.compress(one.body())) for one in files)
    page.context.close()
    return seconds, size


def _lags(browser: Browser, urls: list[str]) -> list[list[float]]:
    pages = []
    for url in urls:
        page = browser.new_page()
        page.goto(url)
        page.get_by_text("Draw something").wait_for()
        page.evaluate(WATCH)
        pages.append(page)
    for _ in range(ROUNDS):
        for page in pages:
            page.bring_to_front()
            _draw(page)
            page.get_by_role("button", name="Clear").click()
    return [page.evaluate("window.lags") for page in pages]


def _from_the_camera(browser: Browser, url: str) -> float:
    page = browser.new_page()
    page.goto(url)
    page.get_by_role("button", name="Camera").click()
    page.locator("[data-answer]").first.wait_for()
    rate: float = page.evaluate(COUNT, FILMED)
    page.close()
    return rate


def _draw(page: Page) -> None:
    box = page.locator("canvas").first.bounding_box()
    assert box is not None, "the paper is there"
    for (x0, y0), (x1, y1) in LINES:
        for step in range(STEPS + 1):
            x, y = (a + (b - a) * step / STEPS for a, b in ((x0, x1), (y0, y1)))
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if step == 0:
                page.mouse.down()
            page.wait_for_timeout(8)
        page.mouse.up()


if __name__ == "__main__":
    main()
