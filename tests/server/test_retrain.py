"""Runs that are repeated on corrected labels, and pictures that are deleted before."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from bakeoff.data.correction import Correction
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import LOG, RunFolder
from bakeoff.server import jobs
from bakeoff.server.home import Home

from .sets.collected import PNG
from .test_security import refused
from .test_train import room


@pytest.fixture
def page(home: Home) -> Iterator[httpx.Client]:
    with room(home) as client:
        yield client


def test_a_run_is_repeated_on_corrected_labels(
    page: httpx.Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = (sys.executable, "-c", "import sys; print(sys.stdin.read())")
    monkeypatch.setattr(jobs, "COMMAND", echo)
    earlier = [
        Correction("relabel", "a.png", "cat", "dog"),
        Correction("relabel", "b.png", "cat", "dog"),
        Correction("leave out", "c.png"),
    ]
    config = RunConfig.parse(source="tiny", approaches=("baseline",), seed=7, corrections=earlier)
    RunFolder.create(home.runs / "tiny-20260101-000000", config)
    fixes = [
        {"action": "relabel", "name": "a.png", "label": "dog", "proposed": "cat"},  # as it was
        {"action": "leave out", "name": "b.png", "label": "dog"},
        {"action": "relabel", "name": "d.png", "label": "cat", "proposed": "dog"},
    ]
    answer = page.post("/api/runs/tiny-20260101-000000/retrain", json={"corrections": fixes})
    assert answer.status_code == 201, answer.text
    name = answer.json()["run"]
    assert name.startswith("tiny-20")
    assert name != "tiny-20260101-000000"
    for _ in range(100):
        if text := (home.runs / name / LOG).read_text():
            break
        time.sleep(0.05)
    again = RunConfig.model_validate_json(text)
    assert (again.source, again.names, again.seed) == ("tiny", ("baseline",), 7)
    assert {one.name: (one.action, one.label, one.proposed) for one in again.corrections} == {
        "b.png": ("leave out", "cat", ""),
        "c.png": ("leave out", "", ""),
        "d.png": ("relabel", "cat", "dog"),
    }


def test_pictures_of_an_own_set_are_deleted_before_a_retraining(
    page: httpx.Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = (sys.executable, "-c", "import sys; print(sys.stdin.read())")
    monkeypatch.setattr(jobs, "COMMAND", echo)
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        path = home.sets / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    earlier = [Correction("relabel", "cat/1.png", "cat", "dog"), Correction("leave out", "c.png")]
    source = str((home.sets / "mine").resolve())
    config = RunConfig.parse(source=source, approaches=("baseline",), corrections=earlier)
    RunFolder.create(home.runs / "mine-20260101-000000", config)
    assert page.get("/api/runs/mine-20260101-000000/set").json() == {"set": "mine"}
    fixes = [
        {"action": "delete", "name": name, "label": "cat"} for name in ("cat/1.png", "cat/gone.png")
    ]
    answer = page.post("/api/runs/mine-20260101-000000/retrain", json={"corrections": fixes})
    assert answer.status_code == 201, answer.text
    assert not (home.sets / "mine/cat/1.png").exists()
    assert (home.sets / "mine/cat/2.png").exists()
    log = home.runs / answer.json()["run"] / LOG
    for _ in range(100):
        if text := log.read_text():
            break
        time.sleep(0.05)
    again = RunConfig.model_validate_json(text)
    assert [one.name for one in again.corrections] == ["c.png"]


def test_pictures_that_lie_elsewhere_are_not_deleted(page: httpx.Client, home: Home) -> None:
    config = RunConfig.parse(source="tiny", approaches=("baseline",))
    RunFolder.create(home.runs / "tiny-20260101-000000", config)
    assert page.get("/api/runs/tiny-20260101-000000/set").json() == {"set": None}
    fix = {"action": "delete", "name": "a.png", "label": "cat"}
    path = "/api/runs/tiny-20260101-000000/retrain"
    answer = page.post(path, json={"corrections": [fix]})
    refused(answer, 409, "Leave them out instead")
    assert answer.json()["said"] == {
        "code": "error.notOwnSet",
        "values": {"name": "tiny-20260101-000000"},
    }


def test_a_retraining_is_checked(page: httpx.Client) -> None:
    fix = {"action": "relabel", "name": "a", "label": "b", "proposed": "c"}
    refused(page.post("/api/runs/no/retrain", json={"corrections": [fix]}), 404, "no run")
    for fixes in ("[]", '[{"action": "delete", "name": "a", "label": "b"}]', "[{}]"):
        body = f'{{"corrections": {fixes}}}'
        assert page.post("/api/runs/no/retrain", content=body).status_code == 422
