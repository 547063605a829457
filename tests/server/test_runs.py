from __future__ import annotations

import json
import shutil
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.server.runs import Runs

from .conftest import serving


def test_all_that_the_report_shows(client: httpx.Client, finished: RunFolder) -> None:
    (summary,) = client.get("/api/runs").json()
    assert summary["name"] == "run"
    assert summary["finished"] is True
    assert summary["why"] == finished.results().winner.why
    assert client.get("/api/runs/run").json() == json.loads(finished.results().model_dump_json())
    assert client.get("/api/runs/run/report").text == (finished.path / "report.html").read_text()
    for name in ("/api/runs/other", "/api/runs/other/report", "/api/runs/other/events"):
        assert client.get(name).status_code == 404


def test_the_picture_behind_a_mistake(client: httpx.Client, finished: RunFolder) -> None:
    rows = list(finished.thumbnails())
    for row in rows[:2]:
        response = client.get(f"/api/runs/run/pictures/{row}")
        assert response.headers["content-type"] == "image/png"
        assert response.content == finished.thumbnails()[row]
    assert client.get("/api/runs/run/pictures/999999").status_code == 404


def events(response: httpx.Response) -> list[tuple[int, str]]:
    """Number and kind of every event in a stream."""
    lines = response.text.splitlines()
    numbers = [int(line[4:]) for line in lines if line.startswith("id: ")]
    kinds = [line[7:] for line in lines if line.startswith("event: ")]
    return list(zip(numbers, kinds, strict=True))


def test_events_of_a_finished_run_come_at_once(client: httpx.Client, finished: RunFolder) -> None:
    found = events(client.get("/api/runs/run/events"))
    assert [kind for _, kind in found] == [event["event"] for event in finished.events()]
    half = len(found) // 2
    later = events(client.get("/api/runs/run/events", headers={"Last-Event-ID": str(half)}))
    assert later == found[half + 1 :]


def test_a_run_in_progress_is_followed(finished: RunFolder, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "going"))
    (copy / "results.json").unlink()
    (copy / "report.html").unlink()
    lines = (copy / "events.jsonl").read_text().splitlines(keepends=True)
    (copy / "events.jsonl").write_text("".join(lines[:3]))

    def go_on() -> None:
        for line in lines[3:]:
            time.sleep(0.02)
            with (copy / "events.jsonl").open("a") as file:
                file.write(line)
        shutil.copy(finished.path / "results.json", copy)
        working.close()

    working = ExitStack()
    with serving(RunFolder(copy)) as client:
        working.enter_context(RunLock(copy))
        assert client.get("/api/runs/going").status_code == 409
        assert client.get("/api/runs/going/report").status_code == 404
        (summary,) = client.get("/api/runs").json()
        assert (summary["finished"], summary["status"]) == (False, "running")
        writer = threading.Thread(target=go_on)
        writer.start()
        found = events(client.get("/api/runs/going/events", timeout=60))
        writer.join()
    assert [number for number, _ in found] == list(range(len(lines)))
    assert found[-1][1] == "run finished"


def test_two_runs_of_one_name_are_told_apart(finished: RunFolder, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "run"))
    assert list(Runs([finished.path, copy])) == ["run", "run 2"]
    with pytest.raises(BakeoffError, match="is no run"):
        Runs([tmp_path])
