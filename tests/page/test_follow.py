"""A run that is looked at while it goes on. What trains is a lock and the files that it writes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bakeoff.record.config import RunConfig
from bakeoff.record.events import Estimated, TimeLeft, UnitFinished, UnitStarted
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.lock import RunLock

from ..made_up_events import epoch_ended, run_started
from .conftest import provokes, serious

EPOCHS = 20


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    """Two approaches on two folds, begun a moment ago."""
    approaches = ["baseline", "cnn"]
    config = RunConfig.parse(source="strokes", approaches=approaches, folds=2)
    run = RunFolder.create(tmp_path / "runs" / "slow", config)
    with RunLock(run.path):
        run.log(run_started(approaches=approaches, description="60 pictures, 3 classes"))
        run.log(Estimated(seconds={"baseline": 30.0, "cnn": 90.0}, workers=1))
        run.log(TimeLeft(seconds=120))
        (run.path / LOG).write_text("cnn · fold 1\n")
        yield run


def begin(run: RunFolder, fold: str) -> None:
    run.log(UnitStarted(approach="cnn", fold=fold))


def learn(run: RunFolder, fold: str, *epochs: int) -> None:
    for epoch in epochs:
        better = 1 / (1 + epoch)
        run.log(
            epoch_ended(
                epoch,
                EPOCHS,
                fold=fold,
                train_loss=better,
                train_accuracy=1 - better,
                validation_loss=1.5 * better,
                validation_accuracy=1 - 1.2 * better,
                seconds=0.5,
            )
        )


@contextmanager
def at_home(home: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`bakeoff serve` in a folder, killed when the block ends, and its address."""
    command = [sys.executable, "-m", "bakeoff", "serve", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = iter(process.stdout.readline, "")
            address = next(
                found[0] for line in said if (found := re.search(r"http://[\d.:]+", line))
            )
            yield process, address
        finally:
            process.kill()


@pytest.fixture
def address(run: RunFolder) -> Iterator[str]:
    with at_home(run.path.parents[1]) as (_, address):
        yield address


def test_curves_grow_while_it_learns(run: RunFolder, address: str, page: Page) -> None:
    begin(run, "fold 1")
    page.goto(f"{address}/#/train")
    page.get_by_role("link", name="slow").click()
    expect(page.get_by_text("CNN: fold 1 of 2", exact=True)).to_be_visible()
    learn(run, "fold 1", *range(1, 6))
    loss = page.get_by_role("img", name="CNN: loss by epoch")
    expect(loss).to_have_attribute("aria-label", re.compile("in epoch 5; .* in epoch 5"))
    expect(loss.locator("path.line")).to_have_count(2)  # training and validation
    before = loss.locator("path.line").first.get_attribute("d")
    learn(run, "fold 1", *range(6, 10))
    expect(loss).to_have_attribute("aria-label", re.compile("in epoch 9; .* in epoch 9"))
    assert loss.locator("path.line").first.get_attribute("d") != before
    expect(page.get_by_text("CNN: fold 1 of 2, epoch 9 of 20")).to_be_visible()
    expect(page.get_by_text(re.compile("about .* left"))).to_be_visible()
    done = int(page.get_by_role("progressbar").get_attribute("aria-valuenow") or 0)
    assert 0 < done < 50
    run.log(UnitFinished(approach="cnn", fold="fold 1", seconds=5.0, best_epoch=8, accuracy=0.8))
    begin(run, "fold 2")
    learn(run, "fold 2", 1, 2)
    expect(loss.locator("path.line")).to_have_count(6)  # two folds and their mean, of both kinds
    expect(loss.locator("path.kept title")).to_have_text("fold 1: epoch 8 was kept")
    expect(page.get_by_role("row", name="CNN")).to_contain_text(re.compile(r"80\.0\s%"))
    page.get_by_text("Log", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("cnn · fold 1")
    with (run.path / LOG).open("a") as file:
        file.write("cnn · fold 2\n")
    expect(page.get_by_role("log")).to_contain_text("cnn · fold 2")
    assert serious(page) == []


def test_who_closes_the_page_comes_back_to_it(run: RunFolder, address: str, page: Page) -> None:
    begin(run, "fold 1")
    learn(run, "fold 1", 1, 2, 3)
    page.goto(f"{address}/#/train/run/slow")
    expect(page.get_by_text("CNN: fold 1 of 2, epoch 3 of 20")).to_be_visible()
    context = page.context
    page.close()
    learn(run, "fold 1", 4, 5)
    again = context.new_page()
    again.goto(address)
    again.get_by_role("navigation", name="Rooms").get_by_role("link", name="Train").click()
    working = again.get_by_role("article").filter(has=again.get_by_role("progressbar"))
    expect(working.get_by_text("CNN: fold 1 of 2, epoch 5 of 20")).to_be_visible()
    working.get_by_role("link", name="slow").click()
    chart = again.get_by_role("img", name="CNN: loss by epoch")
    expect(chart).to_have_attribute("aria-label", re.compile("from .* in epoch 1 .* in epoch 5"))


def test_who_leaves_before_the_run_is_found_is_not_called_back(address: str, page: Page) -> None:
    held: list[Route] = []
    page.route(
        "**/api/models", lambda route: held.append(route)
    )  # Try opens the newest run once it has the answer
    with page.expect_request("**/api/models"):
        page.goto(address)
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Train").click()
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    with page.expect_response("**/api/models"):
        for one in held:
            one.continue_()
    page.wait_for_timeout(300)  # nothing is to happen
    expect(page).to_have_url(re.compile("#/train$"))


def test_the_page_does_not_freeze_whatever_comes(run: RunFolder, address: str, page: Page) -> None:
    begin(run, "fold 1")
    page.goto(f"{address}/#/train/run/slow")
    expect(page.get_by_text("CNN: fold 1 of 2", exact=True)).to_be_visible()
    page.evaluate(
        """() => {
          let last = performance.now();
          window.longest = 0;
          const frame = (now) => {
            window.longest = Math.max(window.longest, now - last);
            last = now;
            requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }"""
    )
    learn(run, "fold 1", *range(1, 2001))
    chart = page.get_by_role("img", name="CNN: loss by epoch")
    expect(chart).to_have_attribute("aria-label", re.compile(r"in epoch 2\s000"))
    longest = page.evaluate("window.longest")
    print(f"longest frame: {longest:.0f} ms")
    assert longest < 1_500  # some 100 on a quiet machine


def test_a_server_that_is_started_again_finds_its_run(page: Page, run: RunFolder) -> None:
    home = run.path.parents[1]
    begin(run, "fold 1")
    learn(run, "fold 1", 1, 2, 3)
    with at_home(home) as (process, address):
        page.goto(f"{address}/#/train/run/slow")
        expect(page.get_by_text("CNN: fold 1 of 2, epoch 3 of 20")).to_be_visible()
        process.kill()
        expect(page.get_by_text("the server does not respond; retrying")).to_be_visible()
        learn(run, "fold 1", 4, 5, 6)
    with at_home(home, int(address.rpartition(":")[2])):
        # Nobody touches the page, and it is there again.
        expect(page.get_by_text("CNN: fold 1 of 2, epoch 6 of 20")).to_be_visible()
        page.reload()
        expect(page.get_by_text("CNN: fold 1 of 2, epoch 6 of 20")).to_be_visible()
        page.goto("about:blank")
    provokes(page, "ERR_")
