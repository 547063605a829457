"""Searches for settings, finished or running, over HTTP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.lock import RunLock
from bakeoff.record.studyfolder import SETTINGS, STUDY, TRIALS
from bakeoff.server.home import Home
from bakeoff.server.studies import Studies

from ..record.made_up_study import make_study
from .conftest import serving


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", open=True)


@pytest.fixture
def client(home: Home) -> Iterator[httpx.Client]:
    """A server with a finished study and an interrupted one."""
    make_study(home.studies / "drawings")
    make_study(home.studies / "going", done=3, created="2026-11-23T09:00:00+00:00")
    with serving(None, home=home) as served:
        yield served


def test_studies_are_listed_newest_first(client: httpx.Client, home: Home) -> None:
    going, finished = client.get("/api/studies").json()
    assert (going["name"], going["state"]) == ("going", "interrupted")
    assert [(one["done"], one["wanted"]) for one in going["searches"]] == [(3, 12), (3, 12)]
    assert (finished["name"], finished["state"]) == ("drawings", "finished")
    assert finished["source"] == "/pictures/my drawings"
    assert finished["why"] is None
    assert finished["searches"][0] == {
        "name": "cnn",
        "title": "CNN from scratch",
        "done": 12,
        "wanted": 12,
        "accuracy": 0.98,
    }
    with RunLock(home.studies / "going"):
        assert client.get("/api/studies").json()[0]["state"] == "in progress"


def test_the_summary_changes_with_the_study(client: httpx.Client, home: Home) -> None:
    before = client.get("/api/studies").json()[0]
    assert client.get("/api/studies").json()[0] == before
    make_study(home.studies / "going", done=5, created=before["created"])
    after = client.get("/api/studies").json()[0]
    assert after["searches"][0]["done"] == 5
    assert after["changed"] > before["changed"]


def test_a_search_without_a_score_has_none(client: httpx.Client, home: Home) -> None:
    make_study(home.studies / "new", done=0, created="2026-11-24T09:00:00+00:00")
    (search, _) = client.get("/api/studies").json()[0]["searches"]
    assert (search["done"], search["accuracy"]) == (0, None)


def test_a_study_is_returned_with_its_commands(client: httpx.Client, home: Home) -> None:
    path = home.studies / "drawings"
    view = client.get("/api/studies/drawings").json()
    assert view["study"] == json.loads((path / STUDY).read_text())
    assert view["state"] == "finished"
    assert view["settings"] == (path / SETTINGS).read_text()
    assert shlex.split(view["command"]) == [
        "bakeoff",
        "run",
        "/pictures/my drawings",
        "--settings",
        str(path.resolve() / SETTINGS),
    ]


def test_a_running_study_has_no_settings_yet(client: httpx.Client, home: Home) -> None:
    with RunLock(home.studies / "going"):
        view = client.get("/api/studies/going").json()
    assert (view["state"], view["settings"], view["command"]) == ("in progress", None, None)
    assert view["study"]["searches"][0]["trials"][-1]["state"] == "running"
    response = client.get("/api/studies/going/settings")
    assert response.status_code == 404
    assert "Wait until its search finishes" in response.json()["detail"]
    assert client.get("/api/studies/going/table").status_code == 200


def test_an_interrupted_study_says_how_to_resume(client: httpx.Client, home: Home) -> None:
    again = ["bakeoff", "tune", "--resume", str((home.studies / "going").resolve())]
    assert shlex.split(client.get("/api/studies/going").json()["resume"]) == again
    assert client.get("/api/studies/drawings").json()["resume"] is None


@pytest.mark.parametrize(("address", "file"), [("settings", SETTINGS), ("table", TRIALS)])
def test_the_files_of_a_study_can_be_downloaded(
    client: httpx.Client, home: Home, address: str, file: str
) -> None:
    response = client.get(f"/api/studies/drawings/{address}")
    assert response.content == (home.studies / "drawings" / file).read_bytes()
    assert f'filename="{file}"' in response.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    [
        "other",
        "..",
        "..%2Fdrawings",
        "%2Fetc",
        "drawings%2F..%2Fgoing",
        "other/settings",
        "other/table",
    ],
)
def test_a_name_is_looked_up_and_never_a_path(client: httpx.Client, path: str) -> None:
    response = client.get(f"/api/studies/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_a_damaged_study_is_reported_and_affects_no_other(client: httpx.Client, home: Home) -> None:
    (home.studies / "going" / STUDY).write_text('{"schema_version": 99}')
    damaged = next(one for one in client.get("/api/studies").json() if one["name"] == "going")
    assert damaged["state"] == "damaged"
    assert "is from a newer bakeoff" in damaged["why"]
    response = client.get("/api/studies/going")
    assert response.status_code == 409
    assert "is from a newer bakeoff" in response.json()["detail"]
    assert client.get("/api/studies/drawings").status_code == 200


def test_named_studies_of_the_same_name_are_numbered(tmp_path: Path, home: Home) -> None:
    make_study(tmp_path / "elsewhere" / "drawings", approaches=("cnn",))
    make_study(home.studies / "drawings")
    (home.studies / "no study").mkdir()
    named = tmp_path / "elsewhere" / "drawings"
    with serving(None, home=home, searches=[named]) as client:
        found = {one["name"]: one for one in client.get("/api/studies").json()}
        assert len(found["drawings"]["searches"]) == 1
        assert len(found["drawings 2"]["searches"]) == 2
        (named / STUDY).unlink()
        assert [one["name"] for one in client.get("/api/studies").json()] == ["drawings 2"]
        response = client.get("/api/studies/drawings")
        assert response.status_code == 409
        assert "cannot be read" in response.json()["detail"]


def test_a_study_that_is_named_and_at_home_is_listed_once(home: Home) -> None:
    make_study(home.studies / "drawings")
    studies = Studies([home.studies / "drawings"], home.studies)
    assert list(studies) == ["drawings"]
    assert len(studies) == 1
    assert studies["drawings"].path == home.studies / "drawings"


def test_without_any_there_is_an_empty_list(client: httpx.Client, tmp_path: Path) -> None:
    with serving(None) as homeless:
        assert homeless.get("/api/studies").json() == []
    with pytest.raises(BakeoffError, match="is not a study"):
        Studies([tmp_path])
