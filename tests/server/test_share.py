"""A run is shared: its models as a static page, in a zip or below /s/."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.server.home import Home

from .conftest import serving


@pytest.fixture
def home(tmp_path: Path, finished: RunFolder) -> Home:
    home = Home(tmp_path, open=True)
    shutil.copytree(finished.path, home.runs / "mine")
    return home


@pytest.fixture
def page(home: Home) -> Iterator[httpx.Client]:
    with serving(None, home=home, token="secret", hosts=None) as client:
        client.headers["Authorization"] = "Bearer secret"
        yield client


def test_a_zip_holds_the_static_page(page: httpx.Client) -> None:
    answer = page.get("/api/runs/mine/page.zip", params={"approach": "cnn"})
    assert answer.status_code == 200, answer.text
    assert 'filename="mine.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        assert {"index.html", "models.json"} <= set(packed.namelist())
        assert [one["name"] for one in json.loads(packed.read("models.json"))] == ["cnn"]


def test_a_page_is_published_and_withdrawn(page: httpx.Client, home: Home) -> None:
    assert page.get("/api/runs/mine/shared").json() is None
    made = page.post("/api/runs/mine/shared")
    assert made.status_code == 201, made.text
    assert made.json() == {"path": "s/mine/", "models": ["baseline", "cnn"], "examples": 0}
    assert page.get("/api/runs/mine/shared").json() == made.json()
    # Whoever has the address needs no token, and gets the page and nothing else.
    del page.headers["Authorization"]
    assert page.get("/api/runs/mine").status_code == 401
    assert page.post("/api/runs/mine/shared").status_code == 401
    shown = page.get("/s/mine", follow_redirects=True)
    assert shown.status_code == 200
    assert shown.url.path == "/s/mine/"
    assert "'wasm-unsafe-eval'" in shown.headers["content-security-policy"]
    listed = page.get("/s/mine/models.json").json()
    assert page.get(f"/s/mine/{listed[0]['graph']}").status_code == 200
    for path in ("no", "%2e%2e/mine/models.json", "%2e%2e/%2e%2e/runs/mine/results.json", "models"):
        assert page.get(f"/s/mine/{path}").status_code == 404, path
    link = home.shared / "mine" / "link.json"
    link.symlink_to(home.runs / "mine" / "results.json")
    assert page.get("/s/mine/link.json").status_code == 404
    link.unlink()
    page.headers["Authorization"] = "Bearer secret"
    one = page.post("/api/runs/mine/shared", params={"approach": "cnn"})  # replaces it
    assert one.json()["models"] == ["cnn"]
    assert page.delete("/api/runs/mine/shared").status_code == 204
    assert page.get("/s/mine/").status_code == 404
    assert page.delete("/api/runs/mine/shared").status_code == 404


def test_own_pictures_are_shown_only_on_request(page: httpx.Client, home: Home) -> None:
    (summary,) = page.get("/api/runs").json()
    assert not summary["public"]
    shown = page.post("/api/runs/mine/shared", params={"examples": True}).json()["examples"]
    assert shown == len(page.get("/api/runs/mine/examples").json()) > 0
    assert page.get("/api/runs/mine/shared").json()["examples"] == shown
    assert page.get("/s/mine/examples.json").json() == page.get("/api/runs/mine/examples").json()
    for query, wanted in (({}, 0), ({"examples": True}, shown), ({"examples": False}, 0)):
        answer = page.get("/api/runs/mine/page.zip", params=query)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            assert len(json.loads(packed.read("examples.json"))) == wanted
    (home.shared / "mine" / "examples.json").unlink()  # as an older version left it
    assert page.get("/api/runs/mine/shared").json()["examples"] == 0


def test_what_cannot_be_shared_is_refused(page: httpx.Client, home: Home) -> None:
    for path in ("page.zip", "shared"):
        assert page.get(f"/api/runs/none/{path}").status_code == 404
    answer = page.get("/api/runs/mine/page.zip", params={"approach": "vit"})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "This run has no model of vit yet.",
    )
    shutil.rmtree(home.runs / "mine" / "bundles")
    assert page.post("/api/runs/mine/shared").status_code == 409


def test_nothing_is_published_where_nothing_may_be_changed(finished: RunFolder) -> None:
    with serving(finished) as client:
        assert client.post("/api/runs/run/shared").status_code == 403
        assert client.get("/api/runs/run/shared").json() is None
        assert client.get("/s/run/").status_code == 404
