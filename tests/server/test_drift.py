"""The drift alarm of a real server."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from bakeoff.bundle.bundle import load
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder
from bakeoff.server.drift import Watch

from ..strokes import strokes
from .conftest import serving

MANY = [np.ascontiguousarray(picture) for picture in strokes(150, seed=7).pictures]
ALIKE = MANY[:30]


@pytest.fixture
def fresh(finished: RunFolder) -> Iterator[httpx.Client]:
    with serving(finished) as client:
        yield client


def noise(count: int, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8))


def send(client: httpx.Client, pictures: list[Any], query: str = "") -> dict[str, Any]:
    files = [("files", (f"{n}.png", to_png(one))) for n, one in enumerate(pictures)]
    answer: dict[str, Any] = client.post(f"/api/predict?{query}", files=files).json()
    return answer


def gauge(client: httpx.Client, name: str, model: str) -> float:
    line = re.search(rf'bakeoff_drift_{name}{{model="{model}"}} (\S+)', client.get("/metrics").text)
    assert line is not None
    return float(line[1])


def test_the_alarm_is_raised_by_pictures_of_another_kind(fresh: httpx.Client) -> None:
    # With fewer, it depends on the order of the noise whether it is evidence enough.
    said = [send(fresh, MANY[first : first + 30]) for first in range(0, 150, 30)][-1]
    assert [one["drifted"] for one in said["models"]] == [False, False]
    assert gauge(fresh, "pictures", "cnn") == 150
    assert gauge(fresh, "alarm", "cnn") == 0
    alarms: dict[str, float] = {}  # the evidence with which each was raised
    for picture in noise(60):
        said = send(fresh, [picture])
        for one in said["models"]:
            if one["drifted"] and one["model"] not in alarms:
                alarms[one["model"]] = gauge(fresh, "evidence", one["model"])
    assert [one["drifted"] for one in said["models"]] == [True, True]
    assert min(alarms.values()) >= 40  # two models: twice 20
    for model in fresh.get("/api/models").json():
        assert 150 < model["drift"]["alarm_after"] <= 180
        assert model["drift"]["pictures"] == 210
        assert gauge(fresh, "alarm", model["name"]) == 1
        # It falls after the alarm, as such pictures become usual.
        evidence = gauge(fresh, "evidence", model["name"])
        assert evidence == pytest.approx(model["drift"]["evidence"])
    # The alarm stays.
    assert send(fresh, ALIKE[:1])["models"][0]["drifted"]


def test_only_what_is_to_be_watched_counts(fresh: httpx.Client) -> None:
    assert not send(fresh, noise(30), "watch=false")["models"][0]["drifted"]
    assert gauge(fresh, "pictures", "cnn") == 0
    send(fresh, ALIKE[:3], "model=baseline")
    send(fresh, ALIKE[:3], "model=baseline")  # the same pictures again
    assert (gauge(fresh, "pictures", "cnn"), gauge(fresh, "pictures", "baseline")) == (0, 3)


def test_pictures_through_v2_count_too(fresh: httpx.Client) -> None:
    data = np.stack(noise(60)).reshape(-1).tolist()
    shape = [60, 28, 28, 1]
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": shape, "data": data}
    assert fresh.post("/v2/models/cnn/infer", json={"inputs": [tensor]}).is_success
    assert gauge(fresh, "alarm", "cnn") == 1
    assert gauge(fresh, "pictures", "baseline") == 0


def test_a_new_bundle_begins_again(finished: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    one, two = (load(finished.bundle("cnn"), threads=1) for _ in "ab")
    with caplog.at_level(logging.WARNING, "bakeoff.server"):
        watch.add("cnn", one, [900.0 + number for number in range(20)], 1)
        watch.add("cnn", one, [800.0], 1)
    assert [record.message[:29] for record in caplog.records] == ["These pictures are of another"]
    assert watch.of("cnn", one).alarm
    assert not watch.of("cnn", two).alarm
    assert watch.of("cnn", two).pictures == 0
    watch.forget("cnn")
    assert not watch.of("cnn", one).alarm
