"""The page in Chromium, on the same two cores as the server: first load, and ink to answer.

    python benchmarks/page.py RUN > benchmarks/page.txt

RUN has bundles; all its models answer. The first load is timed in a fresh browser context until the
paper accepts strokes; its size is that of the downloaded files, each compressed by gzip. Then sixty
strokes are drawn with the pointer. Ink to answer is the time from reading the paper's pixels to the
frame that shows their answers.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

from measure import hardware
from playwright.sync_api import Browser, Page, Response, sync_playwright

LOADS, ROUNDS, STEPS = 7, 20, 12
LINES = (
    [(0.3, 0.2), (0.7, 0.2)],
    [(0.7, 0.2), (0.45, 0.85)],
    [(0.3, 0.5), (0.6, 0.5)],
)
WATCH = """
() => {
  window.lags = [];
  let read = 0, answered = 0;
  const pixels = CanvasRenderingContext2D.prototype.getImageData;
  CanvasRenderingContext2D.prototype.getImageData = function (...given) {
    read = performance.now();
    return pixels.apply(this, given);
  };
  const ask = window.fetch;
  window.fetch = async (address, options) => {
    if (!String(address).includes("/predict")) return ask(address, options);
    const since = read;
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


def main() -> None:
    """Print a row for each figure."""
    run = Path(sys.argv[1]).resolve()
    command = [sys.executable, "-m", "bakeoff", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it is piped"
        said = iter(process.stdout.readline, "")
        address = next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            url = f"{address}/#/try/{run.name}"
            _first_load(browser, url)  # the models are loaded when first asked for
            loads = [_first_load(browser, url) for _ in range(LOADS)]
            lags = _lags(browser, url)
        process.terminate()
    print(f"{hardware()}; {len(list((run / 'bundles').iterdir()))} models of {run.name}\n")
    print("| what | measured |\n|---|---|")
    print(f"| first load, packed | {loads[0][1] / 1e3:.0f} KB |")
    seconds = median(seconds for seconds, _ in loads)
    print(f"| first load, until one can draw, median of {LOADS} | {seconds:.2f} s |")
    print(f"| ink to answer, median of {len(lags)} | {median(lags):.0f} ms |")
    print(f"| … 95 % are within | {quantiles(lags, n=20)[-1]:.0f} ms |")


def _first_load(browser: Browser, url: str) -> tuple[float, int]:
    """Seconds until the paper accepts strokes, and compressed bytes of the page's files."""
    page = browser.new_context().new_page()
    files: list[Response] = []
    page.on("response", lambda one: None if "/api/" in one.url else files.append(one))
    page.goto(url, wait_until="commit")
    page.get_by_text("Draw something").wait_for()
    seconds = page.evaluate("performance.now()") / 1e3
    size = sum(len(gzip.compress(one.body())) for one in files)
    page.context.close()
    return seconds, size


def _lags(browser: Browser, url: str) -> list[float]:
    page = browser.new_page()
    page.goto(url)
    page.get_by_text("Draw something").wait_for()
    page.evaluate(WATCH)
    for _ in range(ROUNDS):
        _draw(page)
        page.get_by_role("button", name="Clear").click()
    lags: list[float] = page.evaluate("window.lags")
    return lags


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
