"""Searches and learning curves that are started from the page."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakeoff.record.config import RunConfig
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.server import choices, jobs
from bakeoff.server.home import Home

from ..record.made_up_study import make_study
from ..report.made_up_run import make_run
from .conftest import serving
from .test_security import refused

ECHO = (sys.executable, "-c", "import sys; print(sys.argv[1:])")
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
WANTED = {"set": "tiny", "approaches": ["baseline"], "trials": 3}


@pytest.fixture
def page(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(jobs, "COMMAND", ECHO)
    monkeypatch.setattr(jobs, "PATIENCE", 1.0)
    with serving(None, home=home) as client:
        yield client


def command(folder: Path) -> str:
    """The arguments that a child was given, once it has ended."""
    for _ in range(200):
        text = (folder / LOG).read_text() if (folder / LOG).is_file() else ""
        if text.endswith("\n"):
            return text.splitlines()[-1]
        time.sleep(0.05)
    raise AssertionError(folder)


def test_a_search_is_started_with_all_that_was_asked(page: httpx.Client, home: Home) -> None:
    asked = WANTED | {
        "name": "mine",
        "seconds": 90,
        "aims": ["accuracy", "size"],
        "inner": 2,
        "group": "--out",  # of no effect as an option
        "keep_groups": False,
        "folds": 3,
        "budget": "quick",
        "seed": 7,
    }
    assert page.post("/api/studies", json=asked).json() == {"study": "mine"}
    said = command(home.studies / "mine")
    assert said == str(
        [
            *("tune", str(home.path / "sets" / "tiny"), "--trials=3", "--time=90s"),
            *("--aim=accuracy,size", "--inner=2", "--group=--out", "--folds=3", "--budget=quick"),
            *("--seed=7", f"--out={home.studies / 'mine'}", "--approach=baseline"),
            *("--mix-groups", "--no-open", "--workers", "auto"),
        ]
    )
    while page.get("/api/studies").json()[0]["state"] == "in progress":
        time.sleep(0.05)  # it says so on its way out
    again = page.post("/api/studies", json=asked)
    refused(again, 409, "There is a study mine already")


def test_one_that_never_began_says_why_and_can_be_deleted(page: httpx.Client, home: Home) -> None:
    page.post("/api/studies", json=WANTED | {"name": "short"})
    command(home.studies / "short")
    time.sleep(0.3)
    (listed,) = page.get("/api/studies").json()
    assert (listed["name"], listed["state"]) == ("short", "damaged")
    assert "tune" in listed["why"]
    refused(page.post("/api/studies/short/resume"), 409, "never began")
    refused(page.post("/api/studies/short/cancel"), 409, "not in progress")
    assert page.delete("/api/studies/short").status_code == 204
    assert page.get("/api/studies").json() == []


def test_a_search_keeps_others_out_until_it_is_stopped(
    page: httpx.Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "COMMAND", SLEEP)
    page.post("/api/studies", json=WANTED | {"name": "long"})
    assert page.get("/api/studies").json()[0]["state"] == "in progress"
    refused(page.post("/api/studies", json=WANTED), 409, "long is still in progress")
    refused(page.post("/api/training", json={"set": "tiny"}), 409, "long is still in progress")
    refused(page.delete("/api/studies/long"), 409, "Stop it first")
    stopped = page.post("/api/studies/long/cancel", timeout=60).json()
    assert stopped["state"] == "damaged"
    assert stopped["why"] == "Stopped before anything was trained. Start it again."


def test_an_interrupted_search_is_resumed(page: httpx.Client, home: Home) -> None:
    make_study(home.studies / "half", done=3)
    (home.studies / "half" / "tune.json").write_text("{}")
    assert page.post("/api/studies/half/resume").status_code == 200
    assert f"--resume={home.studies / 'half'}" in command(home.studies / "half")
    make_study(home.studies / "over")
    (home.studies / "over" / "tune.json").write_text("{}")
    refused(page.post("/api/studies/over/resume"), 409, "is finished")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"set": "none"}, 404, "There is no set"),
        ({"approaches": ["mine.py:Net"]}, 400, "There is no approach"),
        ({"trials": 1}, 422, "trials"),
        ({"aims": ["loss", "loss"]}, 422, "the same"),
        ({"folds": 1}, 422, "folds"),
        ({"name": "../up"}, 400, "name"),
        ({"group": "["}, 400, "["),
    ],
)
def test_what_makes_no_sense_is_refused(
    page: httpx.Client, change: dict[str, object], status: int, words: str
) -> None:
    refused(page.post("/api/studies", json=WANTED | change), status, words)


def test_only_who_may_train_may_search(home: Home) -> None:
    make_study(home.studies / "half", done=3)
    with serving(None, home=Home(home.path, open=False)) as client:
        refused(client.post("/api/studies", json=WANTED), 403, "")
        for what in ("cancel", "resume"):
            refused(client.post(f"/api/studies/half/{what}"), 403, "")
        refused(client.delete("/api/studies/half"), 403, "")


def test_a_learning_curve_is_added_to_a_finished_run(
    page: httpx.Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home.runs / "made")
    monkeypatch.setattr(choices, "trainable", lambda: None)
    assert page.post("/api/runs/made/curve").status_code == 200
    assert f"['curve', '{run.path}', '--no-open', '--workers', 'auto']" in command(run.path)
    with RunLock(run.path):
        refused(page.post("/api/runs/made/curve"), 409, "in progress")
    RunFolder.create(home.runs / "begun", RunConfig.parse(source="tiny", approaches=("baseline",)))
    refused(page.post("/api/runs/begun/curve"), 409, "not finished")
