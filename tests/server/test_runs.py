from __future__ import annotations

import base64
import io
import json
import shutil
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.report.made_up_run import KINDS, make_run

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import Winner
from bakeoff.record.folder import EVENTS, RunFolder
from bakeoff.record.lock import PID, RunLock
from bakeoff.record.results import Preliminary
from bakeoff.server.home import Home
from bakeoff.server.jobs import Jobs
from bakeoff.server.runs import Runs

from .conftest import serving


def test_examples_are_of_the_locked_test(client: httpx.Client, finished: RunFolder) -> None:
    results, index, small = finished.results(), finished.picture_index(), finished.sheets()
    found = client.get("/api/runs/run/examples").json()
    assert [one["label"] for one in found] == results.dataset.classes[:8]
    last = len(index.part_names) - 1
    tested = [row for row, part in enumerate(index.parts) if part == last]
    for one in found:
        assert one["locked"]
        row = next(
            row for row in tested if results.dataset.classes[index.labels[row]] == one["label"]
        )
        png = base64.b64decode(one["picture"].partition(",")[2])
        with Image.open(io.BytesIO(png)) as image:
            assert np.array_equal(np.asarray(image), np.asarray(small[row].convert("RGB")))


@pytest.mark.parametrize(
    ("classes", "shown"), [(3, [0, 1, 2]), (40, [0, 6, 11, 17, 22, 28, 33, 39])]
)
def test_examples_are_spread_over_the_classes(
    tmp_path: Path, classes: int, shown: list[int]
) -> None:
    named = [f"class {number}" for number in range(classes)]
    home = Home(tmp_path, open=False)
    make_run(home.runs / "run", KINDS[:1], named, pictures=12 * classes)
    with serving(None, home=home) as client:
        found = client.get("/api/runs/run/examples").json()
    assert [one["label"] for one in found] == [named[place] for place in shown]
    assert not any(one["locked"] for one in found)


def test_a_run_is_served_with_its_report(client: httpx.Client, finished: RunFolder) -> None:
    (summary,) = client.get("/api/runs").json()
    assert summary["name"] == "run"
    assert summary["finished"] is True
    assert summary["why"] == finished.results().winner.why
    assert client.get("/api/runs/run").json() == json.loads(finished.results().model_dump_json())
    assert client.get("/api/runs/run/report").text == (finished.path / "report.html").read_text()
    for name in ("/api/runs/other", "/api/runs/other/report", "/api/runs/other/events"):
        assert client.get(name).status_code == 404


def numbers(text: str) -> NDArray[np.uint16]:
    """A column of the view."""
    return np.frombuffer(base64.b64decode(text), "<u2")


def test_the_view_contains_every_picture_and_prediction(
    client: httpx.Client, finished: RunFolder
) -> None:
    response = client.get("/api/runs/run/view")
    assert response.headers["content-type"] == "application/json"
    view = response.json()
    results, index = finished.results(), finished.picture_index()
    assert view["results"]["dataset"] == json.loads(results.dataset.model_dump_json())
    assert all(one["mistakes"] == [] for one in view["results"]["approaches"])
    assert view["pictures"]["names"] == index.names
    assert numbers(view["pictures"]["labels"]).tolist() == index.labels
    assert view["pictures"]["groups"] is None
    assert numbers(view["pictures"]["parts"]).tolist() == index.parts
    assert view["pictures"]["part_names"] == index.part_names
    arrays = finished.probabilities()
    for approach in results.approaches:
        said = {key: numbers(text) for key, text in view["predictions"][approach.name].items()}
        for part in ("out_of_fold", "test"):
            rows, given = arrays[f"{part}_rows"], arrays[f"{approach.name}_{part}"]
            assert np.array_equal(said["answer"][rows], given.argmax(1))
            assert said["confidence"][rows] / 65535 == pytest.approx(given.max(1), abs=1e-5)
            true = given[np.arange(len(rows)), np.array(index.labels)[rows]]
            assert said["loss"][rows] / 1000 == pytest.approx(-np.log(true), abs=1e-3)


def test_thumbnails_are_at_the_urls_in_the_view(client: httpx.Client, finished: RunFolder) -> None:
    sheets = client.get("/api/runs/run/view").json()["sheets"]
    assert (sheets["tile"], sheets["across"], sheets["per_sheet"]) == (12, 16, 256)
    assert sheets["rows"] is None
    assert sheets["urls"] == ["/api/runs/run/sheets/0"]
    response = client.get(sheets["urls"][0])
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["cache-control"] == "private, max-age=3600"
    assert response.content == (finished.path / "pictures" / "0000.webp").read_bytes()


@pytest.mark.parametrize("name", ["mistakes", "corrections"])
def test_tables_can_be_downloaded(finished: RunFolder, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    (copy / f"{name}.csv").write_text("action,name\r\nrelabel,a.png\r\n")
    with serving(RunFolder(copy)) as client:
        response = client.get(f"/api/runs/copy/tables/{name}")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{name}.csv"' in response.headers["content-disposition"]
    assert response.content == (copy / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("file", ["robustness.csv", "brittleness.csv"])
@pytest.mark.parametrize("table", ["robustness", "brittleness"])
def test_the_former_name_of_a_table_is_still_accepted(
    finished: RunFolder, tmp_path: Path, file: str, table: str
) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    (copy / "robustness.csv").unlink(missing_ok=True)
    (copy / file).write_text("approach,corruption\r\n")
    with serving(RunFolder(copy)) as client:
        response = client.get(f"/api/runs/copy/tables/{table}")
    assert response.text == "approach,corruption\r\n"
    assert 'filename="robustness.csv"' in response.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("run/sheets/1", 404),
        ("run/sheets/-1", 404),
        ("run/sheets/x", 422),
        ("run/sheets/..%2findex.json", 404),
        ("run/pictures/0", 404),
        ("run/tables/learning", 404),
        ("run/tables/run.json", 422),
        ("run/tables/..%2frun.json", 404),
        ("other/tables/mistakes", 404),
        ("other/sheets/0", 404),
        ("other/view", 404),
    ],
)
def test_a_missing_path_is_reported(client: httpx.Client, path: str, status: int) -> None:
    response = client.get(f"/api/runs/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_run_without_its_pictures_is_reported_with_a_hint(
    finished: RunFolder, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    with serving(RunFolder(copy)) as client:
        for lost in ("0000.webp", "index.json"):
            (copy / "pictures" / lost).unlink()
            response = client.get("/api/runs/copy/view")
            assert response.status_code == 409
            assert "bakeoff run --resume" in response.json()["detail"]


def test_a_missing_sheet_moves_no_picture(finished: RunFolder, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    sheet = copy / "pictures" / "0000.webp"
    shutil.copy(sheet, sheet.with_name("0002.webp"))
    with serving(RunFolder(copy)) as client:
        assert len(client.get("/api/runs/copy/view").json()["sheets"]["urls"]) == 3
        answers = [client.get(f"/api/runs/copy/sheets/{number}") for number in range(3)]
        assert [answer.status_code for answer in answers] == [200, 404, 200]
        assert "There is no sheet 1. This run has 3" in answers[1].json()["detail"]


def events(response: httpx.Response) -> list[tuple[int, str]]:
    """Number and kind of every event in a stream."""
    lines = response.text.splitlines()
    numbers = [int(line[4:]) for line in lines if line.startswith("id: ")]
    kinds = [line[7:] for line in lines if line.startswith("event: ")]
    return list(zip(numbers, kinds, strict=True))


def test_a_run_keeps_its_results_while_a_curve_is_added(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "mine"
    shutil.copytree(finished.path, run)
    home = Home(tmp_path, open=True)
    with serving(RunFolder(run), home=home) as client, RunLock(run):
        (summary,) = client.get("/api/runs").json()
        assert (summary["status"], summary["finished"]) == ("running", False)
        assert summary["scored"] == [one.name for one in finished.results().approaches]
        verdict = finished.results().verdict
        assert verdict is not None
        assert (summary["headline"], summary["why"]) == (verdict.headline or None, None)


def test_a_run_is_at_work_before_its_curve_says_so(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process imports torch for seconds, while the last event is the old end."""
    path = tmp_path / "run"
    shutil.copytree(finished.path, path)
    run, jobs = RunFolder(path), Jobs()
    assert jobs.status(run) == "finished"
    wait = (sys.executable, "-c", "import sys; sys.stdin.read(); import time; time.sleep(60)")
    monkeypatch.setattr("bakeoff.server.jobs.COMMAND", wait)
    jobs.begin(path, ["curve", str(path)])
    (path / PID).unlink()  # as the process of the training does, which is about to end
    try:
        assert jobs.status(run) == "running"
        with (path / EVENTS).open("ab") as file:  # the process ends its work, and takes a moment
            file.write((path / EVENTS).read_bytes().splitlines(keepends=True)[-1])
        assert jobs.status(run) == "finished"
    finally:
        jobs._processes[path].kill()
        jobs._processes[path].wait()


def test_events_of_a_finished_run_come_at_once(client: httpx.Client, finished: RunFolder) -> None:
    found = events(client.get("/api/runs/run/events"))
    assert [kind for _, kind in found] == [event.event for event in finished.events()]
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
        assert client.get("/api/runs/going/view").status_code == 409
        assert client.get("/api/runs/going/report").status_code == 404
        (summary,) = client.get("/api/runs").json()
        assert (summary["finished"], summary["status"]) == (False, "running")
        writer = threading.Thread(target=go_on)
        writer.start()
        found = events(client.get("/api/runs/going/events", timeout=60))
        writer.join()
    assert [number for number, _ in found] == list(range(len(lines)))
    assert found[-1][1] == "run finished"


def test_runs_of_the_same_name_are_numbered(finished: RunFolder, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "run"))
    assert list(Runs([finished.path, copy])) == ["run", "run 2"]
    with pytest.raises(BakeoffError, match="is not a run"):
        Runs([tmp_path])


# -- a run that is not finished ---------------------------------------------------------


def unfinished(finished: RunFolder, path: Path, scored: int) -> RunFolder:
    """The finished run as it was when some of its approaches were scored."""
    shutil.copytree(finished.path, path)
    run = RunFolder(path)
    results = run.results()
    (path / "results.json").unlink()
    lean = [one.model_copy(update={"test": None}) for one in results.approaches[:scored]]
    to_come = [one.name for one in results.approaches[scored:]]
    preliminary = Preliminary(to_come=to_come, words="Still to come: more.")
    changed = {
        "approaches": lean,
        "comparison": [],
        "preliminary": preliminary,
        "winner": Winner(None, "more"),
        "protocol": results.protocol.model_copy(update={"test_opened": None}),
        "verdict": None,
        "health": None,
    }
    arrays = {
        name: array
        for name, array in run.probabilities().items()
        if not name.endswith("_test") and name.partition("_")[0] not in to_come
    }
    run.save_preliminary(results.model_copy(update=changed), arrays)
    (path / "probabilities.npz").unlink()
    for name in to_come:
        shutil.rmtree(run.bundle(name))
    return run


def test_a_run_is_served_while_it_goes_on(finished: RunFolder, tmp_path: Path) -> None:
    run = unfinished(finished, tmp_path / "runs" / "live", 1)
    partial = run.bundle("x").with_name(".cnn.partial")
    shutil.copytree(run.bundle("baseline"), partial)  # a bundle that is being written
    with serving(None, home=Home(tmp_path, open=False)) as client, RunLock(run.path):
        (summary,) = client.get("/api/runs").json()
        assert (summary["status"], summary["finished"]) == ("running", False)
        assert (summary["scored"], summary["models"]) == (["baseline"], ["baseline"])
        results = client.get("/api/runs/live").json()
        assert results["preliminary"] == {"to_come": ["cnn"], "words": "Still to come: more."}
        accuracy = results["approaches"][0]["out_of_fold"]["accuracy"]
        assert summary["accuracy"] == pytest.approx(accuracy)
        view = client.get("/api/runs/live/view").json()
        assert list(view["predictions"]) == ["baseline"]
        answers = numbers(view["predictions"]["baseline"]["answer"])
        parts = numbers(view["pictures"]["parts"])
        is_test = parts == len(view["pictures"]["part_names"]) - 1
        assert (answers[is_test] == 65535).all()
        assert (answers[~is_test] < 3).all()
        (model,) = client.post("/api/runs/live/models").json()
        assert model["name"] == "live/baseline"
        shutil.copytree(finished.bundle("cnn"), run.bundle("cnn"))
        both = client.post("/api/runs/live/models").json()
        assert [one["name"] for one in both] == ["live/baseline", "live/cnn"]


def test_results_replace_preliminary_ones(finished: RunFolder, tmp_path: Path) -> None:
    run = unfinished(finished, tmp_path / "runs" / "live", 1)
    with serving(None, home=Home(tmp_path, open=False)) as client:
        (summary,) = client.get("/api/runs").json()
        assert summary["status"] == "stopped"
        assert summary["scored"] == ["baseline"]
        run.save_results(finished.results(), finished.probabilities())
        (summary,) = client.get("/api/runs").json()
        assert summary["status"] == "finished"
        assert summary["scored"] == ["baseline", "cnn"]
        assert client.get("/api/runs/live").json()["preliminary"] is None
    assert not (run.path / "preliminary.json").exists()


def test_a_run_without_a_score_says_when_there_will_be_one(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = unfinished(finished, tmp_path / "runs" / "live", 1)
    (run.path / "preliminary.json").unlink()
    shutil.rmtree(run.path / "bundles")
    with serving(None, home=Home(tmp_path, open=False)) as client:
        (summary,) = client.get("/api/runs").json()
        assert (summary["scored"], summary["models"]) == ([], [])
        assert client.get("/api/runs/live").status_code == 409
        refused = client.post("/api/runs/live/models")
        assert refused.status_code == 409
        assert "when its approach is scored" in refused.json()["detail"]
