"""The Train room: real trainings in processes of their own."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.approaches import APPROACHES
from bakeoff.record.config import RunConfig
from bakeoff.record.events import RunStarted
from bakeoff.record.folder import RunFolder
from bakeoff.server import children, choices, jobs, train
from bakeoff.server.home import Home

from ..strokes import picture
from .conftest import serving
from .sets.collected import PNG
from .test_security import refused

QUICK = {"set": "tiny", "approaches": ["baseline"], "budget": "quick", "folds": 2}
LONG = QUICK | {"approaches": ["cnn"], "budget": "thorough", "folds": 20}


@contextmanager
def room(home: Home, **more: Any) -> Iterator[httpx.Client]:
    """A server with a home folder; runs in progress are stopped when the block ends."""
    with serving(None, home=home, **more) as client:
        yield client


@pytest.fixture(autouse=True)
def _hearing() -> Iterator[None]:
    """A server's own process hears Ctrl-C, and so do its children; a shell's background job,
    which the tests may be, is born deaf to it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def page(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with room(home) as client:
        try:
            yield client
        finally:
            for one in client.get("/api/runs").json():
                if one["status"] == "running":
                    client.post(f"/api/runs/{one['name']}/cancel")


def test_a_named_set_shows_pictures_of_its_classes(page: httpx.Client) -> None:
    ready = [one["name"] for one in page.get("/api/training").json()["sets"] if one["ready"]]
    assert {"doodles", "clothing", "digits"} <= {*ready}
    for name in ("doodles", "digits"):
        found = page.get(f"/api/training/sets/{name}/examples").json()
        assert len({one["label"] for one in found}) == len(found) == 8
        for one in found:
            png = b64decode(one["picture"].removeprefix("data:image/png;base64,"))
            with Image.open(io.BytesIO(png)) as picture:
                assert max(picture.size) <= 96
    refused(page.get("/api/training/sets/nothing/examples"), 404, "no set")


def summary(client: httpx.Client, name: str) -> dict[str, Any]:
    return next(one for one in client.get("/api/runs").json() if one["name"] == name)


def until(client: httpx.Client, name: str, event: str) -> None:
    """Wait for an event of a run."""
    with client.stream("GET", f"/api/runs/{name}/events", timeout=120) as response:
        for line in response.iter_lines():
            if line == f"event: {event}":
                return
    raise AssertionError(client.get(f"/api/runs/{name}/log").text)


def settled(client: httpx.Client, name: str, status: str) -> dict[str, Any]:
    """Its summary when its process has ended, a moment after its last event."""
    deadline = time.monotonic() + 20
    while summary(client, name)["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = summary(client, name)
    assert found["status"] == status
    return found


# -- what can be chosen ---------------------------------------------------------------


def test_the_training_choices_need_no_torch(page: httpx.Client) -> None:
    found = page.get("/api/training").json()
    assert (found["possible"], found["reason"], found["running"]) == (True, None, None)
    told = {one["name"]: one["title"] for one in found["approaches"]}
    assert told == {name: one.title for name, one in APPROACHES.items()}
    by_default = [one["name"] for one in found["approaches"] if one["default"]]
    assert by_default == ["scattering", "cnn", "vit", "transfer"]
    assert all(one["about"] for one in [*found["approaches"], *found["budgets"], *found["sets"]])
    sets = {one["name"]: one for one in found["sets"]}
    assert (sets["tiny"]["home"], sets["tiny"]["ready"]) == (True, True)
    assert (sets["digits"]["home"], sets["digits"]["ready"]) == (False, True)
    script = "import bakeoff.server.app, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_server_without_training_says_why(
    page: httpx.Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "trainable", lambda: "no torch here.")
    monkeypatch.setattr(train, "trainable", lambda: "no torch here.")
    found = page.get("/api/training").json()
    assert (found["possible"], found["reason"]) == (False, "no torch here.")
    refused(page.post("/api/training", json=QUICK), 409, "no torch here")
    RunFolder.create(home.runs / "stopped", strokes_config())
    refused(page.post("/api/runs/stopped/resume"), 409, "no torch here")
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "bakeoff[train]" in (choices.trainable() or "")
    assert not {one["name"]: one["ready"] for one in page.get("/api/training").json()["sets"]}[
        "digits"
    ]


def strokes_config() -> RunConfig:
    return RunConfig.parse(source="tiny", approaches=("baseline",))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"set": "../../etc"}, 404, "no set"),
        ({"set": "/etc/passwd"}, 404, "no set"),
        ({"set": "--help"}, 404, "no set"),
        ({"set": "mnist"}, 409, "bakeoff fetch mnist"),
        ({"group": "("}, 400, "not a regular expression"),
        ({"approaches": []}, 422, "approaches"),
        ({"settings": {"vit": {"depth": 2}}}, 422, "no such approach takes part"),
        ({"approaches": ["cnm"], "settings": {"x": {}}}, 422, "Did you mean cnn"),
        ({"approaches": [{"name": "cnn"}], "settings": {"cnn": {}}}, 422, "beside approaches"),
        ({"settings": 5}, 422, "settings by approach"),
        ({"settings": {"cnn": 3}}, 422, "settings by approach"),
        ({"approaches": ["--out=/tmp/x"]}, 422, "approaches"),
        ({"budget": "endless"}, 422, "budget"),
        ({"folds": -1}, 422, "folds"),
        ({"name": "../x"}, 400, "is not a valid name for a run"),
        ({"name": ".."}, 400, "is not a valid name for a run"),
    ],
)
def test_an_invalid_request_is_refused(
    page: httpx.Client,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    status: int,
    words: str,
) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(home.path / "cache"))
    refused(page.post("/api/training", json=QUICK | change), status, words)
    assert not home.runs.exists()


def test_training_needs_permission(home: Home) -> None:
    with room(Home(home.path, open=False)) as client:
        for method, path in [
            ("POST", "/api/training"),
            ("POST", "/api/training/estimate"),
            ("POST", "/api/runs/x/cancel"),
            ("POST", "/api/runs/x/resume"),
            ("DELETE", "/api/runs/x"),
        ]:
            body = QUICK if "training" in path else None
            refused(client.request(method, path, json=body), 403, "--allow-training")
        found = client.get("/api/training").json()
        assert not found["possible"]
        assert "--allow-training" in found["reason"]
        assert not home.runs.exists()


def test_other_sites_cannot_train(page: httpx.Client) -> None:
    evil = {"origin": "http://evil.example"}
    refused(page.post("/api/training", json=QUICK, headers=evil), 403, "other sites")


# -- estimates ------------------------------------------------------------------------


def test_an_estimate_is_measured_and_leaves_nothing(page: httpx.Client, home: Home) -> None:
    response = page.post("/api/training/estimate", json=QUICK, timeout=100)
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["total"] == found["seconds"]["baseline"] > 0
    assert not home.runs.exists()
    bad = QUICK | {"leave_one_group_out": True}
    refused(page.post("/api/training/estimate", json=bad, timeout=100), 400, "has no groups")


def test_an_estimate_ends_at_its_time_limit_or_when_the_client_disconnects(
    page: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    monkeypatch.setattr(children, "COMMAND", sleeping)
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(httpx.ReadTimeout):
        page.post("/api/training/estimate", json=QUICK, timeout=0.5)
    assert started[0].wait(10) != 0
    monkeypatch.setattr(children, "SECONDS", 1)
    refused(page.post("/api/training/estimate", json=QUICK), 503, "after 1 seconds")
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", "exit(3)"))
    refused(page.post("/api/training/estimate", json=QUICK), 400, "without a word")


@pytest.mark.parametrize("wish", [None, True, False])
def test_options_are_passed_on_as_a_config(
    page: httpx.Client, monkeypatch: pytest.MonkeyPatch, wish: bool | None
) -> None:
    echo = (sys.executable, "-c", "import sys; sys.exit(sys.stdin.read())")
    monkeypatch.setattr(children, "COMMAND", echo)
    options = QUICK | {"keep_groups": wish, "threads": 1, "curve": True}
    answer = page.post("/api/training/estimate", json=options).json()
    config = RunConfig.model_validate_json(answer["detail"])
    assert config.keep_groups is wish
    assert (config.threads, config.curve, config.names) == (1, True, ("baseline",))


# -- from start to models ---------------------------------------------------------------


def test_a_training_from_start_to_answers(page: httpx.Client, home: Home) -> None:
    response = page.post("/api/training", json=QUICK | {"name": "first", "test": 0.2})
    assert (response.status_code, response.json()) == (201, {"run": "first"})
    assert summary(page, "first")["status"] == "running"
    assert page.get("/api/training").json()["running"] == "first"
    refused(page.post("/api/training", json=QUICK), 409, "first is still in progress")
    refused(page.delete("/api/runs/first"), 409, "Cancel it first")
    refused(page.post("/api/runs/first/models"), 409, "no model yet")
    refused(page.post("/api/predict", content=b"x" * 9), 400, "")
    until(page, "first", "run finished")
    found = settled(page, "first", "finished")
    assert (found["pictures"], found["classes"], found["home"]) == (60, 3, True)
    assert found["approaches"] == ["baseline"]
    assert 0.5 < found["accuracy"] <= 1
    log = page.get("/api/runs/first/log")
    assert log.headers["content-type"].startswith("text/plain")
    assert "baseline · fold 2" in log.text
    assert "\x1b" not in log.text
    (started, *_) = RunFolder(home.runs / "first").events()
    assert isinstance(started, RunStarted)
    assert started.pid > 0
    refused(page.post("/api/runs/first/cancel"), 409, "not in progress")
    refused(page.post("/api/runs/first/resume"), 409, "finished")
    refused(page.post("/api/training", json=QUICK | {"name": "first"}), 409, "already")

    assert page.get("/api/models").json() == []
    pixels = {"pixels": picture(0, np.random.default_rng(1)).tolist()}
    refused(page.post("/api/predict", json=pixels), 409, "POST /api/runs/RUN/models")
    refused(page.post("/api/predict?model=x", json=pixels), 404, "POST /api/runs/RUN/models")
    (model,) = page.post("/api/runs/first/models").json()
    assert (model["name"], model["run"]) == ("first/baseline", "first")
    assert page.post("/api/runs/first/models").json() == [model]
    assert page.get("/api/models").json() == [model]
    answer = page.post("/api/predict?model=first/baseline", json=pixels).json()
    assert answer["models"][0]["answers"][0]["label"] in ("bar", "dash", "box")
    assert page.get("/v2/models/first/baseline").json()["name"] == "first/baseline"
    assert page.get("/v2/models/first/baseline/ready").json()["ready"] is True

    assert page.delete("/api/runs/first").status_code == 204
    assert page.get("/api/runs").json() == []
    assert page.get("/api/models").json() == []
    assert list(home.runs.iterdir()) == []


def test_a_training_is_cancelled_found_again_and_resumed(page: httpx.Client, home: Home) -> None:
    page.post("/api/training", json=LONG | {"name": "long"})
    until(page, "long", "epoch")
    with room(home) as another:  # as after a restart
        assert summary(another, "long")["status"] == "running"
        refused(another.post("/api/training", json=QUICK), 409, "long is still in progress")
        cancelled = another.post("/api/runs/long/cancel", timeout=60).json()
        assert (cancelled["status"], cancelled["finished"]) == ("stopped", False)
        last = another.get("/api/runs/long/events").text.split("\n\n")[-2]
        assert last.startswith("event: run stopped\n")
        assert json.loads(last.partition("data: ")[2])["status"] == "stopped"
    settled(page, "long", "stopped")
    deadline = time.monotonic() + 30  # it says so on its way out, when others may work on the run
    while "bakeoff run --resume" not in page.get("/api/runs/long/log").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert page.post("/api/runs/long/resume").json()["status"] == "running"
    until(page, "long", "run resumed")
    cancelled = page.post("/api/runs/long/cancel", timeout=60).json()
    assert cancelled["status"] == "stopped"
    assert page.delete("/api/runs/long").status_code == 204


def test_a_training_that_ignores_signals_is_killed(
    page: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", deaf))
    monkeypatch.setattr(jobs, "PATIENCE", 1.0)
    page.post("/api/training", json=QUICK | {"name": "deaf"})
    time.sleep(0.5)
    found = page.post("/api/runs/deaf/cancel").json()
    assert (found["status"], found["why"]) == (
        "failed",
        "Stopped before anything was trained. Start it again.",
    )
    refused(page.post("/api/runs/deaf/resume"), 409, "never began")


def test_the_reason_for_a_failed_training_is_reported(page: httpx.Client) -> None:
    bad = QUICK | {"name": "bad", "leave_one_group_out": True}
    assert page.post("/api/training", json=bad).status_code == 201
    stream = page.get("/api/runs/bad/events", timeout=60).text
    assert "event: run stopped" in stream
    found = summary(page, "bad")
    assert found["status"] == "failed"
    assert "has no groups to keep together" in found["why"]
    assert found["created"]
    assert page.get("/api/runs/bad").status_code == 409
    assert page.get("/api/runs/none/log").status_code == 404


def test_the_default_name_is_the_set_and_the_time(
    page: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "COMMAND", (sys.executable, "-c", ""))
    name = page.post("/api/training", json=QUICK).json()["run"]
    assert name.startswith("tiny-20")


def test_more_folds_than_pictures_are_refused_at_once(page: httpx.Client, home: Home) -> None:
    for name in ("cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png", "dog/2.png"):
        path = home.sets / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    asked = QUICK | {"set": "mine", "folds": 42}
    for address in ("/api/training", "/api/training/estimate"):
        answer = page.post(address, json=asked)
        refused(answer, 400, "folds: 42 folds, but the largest class has 3 pictures")
        assert answer.json()["said"]["values"]["hint"] == {
            "code": "folds.atMost",
            "values": {"n": 3},
        }
    assert not list(home.runs.glob("mine*"))


# -- runs of other places -------------------------------------------------------------


def test_a_run_named_at_the_start_is_not_changed(finished: RunFolder, home: Home) -> None:
    with serving(finished, home=home) as client:
        refused(client.delete("/api/runs/run"), 409, "command line")
        refused(client.post("/api/runs/run/resume"), 409, "command line")
        refused(client.get("/api/runs/run/log"), 404, "nobody kept")
        names = [one["name"] for one in client.post("/api/runs/run/models").json()]
        assert names == ["baseline", "cnn"]  # served already
        assert [one["run"] for one in client.get("/api/models").json()] == ["run", "run"]


def test_two_runs_of_one_name_keep_theirs(finished: RunFolder, home: Home) -> None:
    RunFolder.create(home.runs / "run", strokes_config())
    with serving(finished, home=home) as client:
        found = {one["name"]: one["home"] for one in client.get("/api/runs").json()}
    assert found == {"run": False, "run 2": True}
