from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.server import page

from .conftest import serving

TOKEN = "secret"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that holds a page of its own making."""
    app = tmp_path / "web" / "app"
    (app / "assets").mkdir(parents=True)
    (app / "index.html").write_text("<!doctype html><title>bakeoff</title>")
    (app / "favicon.svg").write_text("<svg/>")
    (app / "assets" / "index-1a2b.js").write_text("export {}")
    (tmp_path / "web" / "secret.txt").write_text("not a part of the page")
    monkeypatch.setattr(page, "files", lambda _: tmp_path)
    return app


@pytest.fixture
def client(built: Path, finished: RunFolder) -> Iterator[httpx.Client]:
    with serving(finished) as client:
        yield client


def test_the_page_comes_with_its_policy(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.text == "<!doctype html><title>bakeoff</title>"
    assert response.headers["content-type"].startswith("text/html")
    policies = response.headers.get_list("content-security-policy")
    assert policies == [page.POLICY]  # the one of the API would forbid its scripts
    rules = dict(rule.split(" ", 1) for rule in page.POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in page.POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    # Its name has no checksum: a new version must be seen at once.
    assert response.headers["cache-control"] == "no-store"


def test_assets_are_cached_forever(client: httpx.Client) -> None:
    response = client.get("/assets/index-1a2b.js")
    assert response.text == "export {}"
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    favicon = client.get("/favicon.svg")
    assert favicon.headers["content-type"] == "image/svg+xml"
    assert favicon.headers.get_list("cache-control") == ["public, max-age=86400"]


def test_an_open_page_stays_whole_while_bakeoff_is_updated(
    client: httpx.Client, built: Path
) -> None:
    """The build names a changed room otherwise, and removes the former file."""
    (built / "assets" / "index-1a2b.js").rename(built / "assets" / "index-3c4d.js")
    (built / "index.html").write_text("<!doctype html><title>newer</title>")
    assert client.get("/assets/index-1a2b.js").text == "export {}"
    assert client.head("/assets/index-1a2b.js").headers["content-length"] == "9"
    assert client.get("/").text == "<!doctype html><title>bakeoff</title>"
    assert client.get("/assets/index-3c4d.js").status_code == 404  # nor half of a newer one


@pytest.mark.parametrize(
    "path",
    [
        "/assets/other.js",
        "/assets/",
        "/assets/..%2findex.html",
        "/assets/..%2f..%2fsecret.txt",
        "/secret.txt",
        "/index.html",
    ],
)
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert "not a part" not in response.text


@pytest.mark.usefixtures("built")
def test_a_token_guards_the_api_and_not_the_page_that_asks_for_it(finished: RunFolder) -> None:
    with serving(finished, hosts=None, token=TOKEN) as client:
        for path in ("/", "/favicon.svg", "/assets/index-1a2b.js"):
            assert client.get(path).status_code == 200
        guarded = ("/api/runs", "/api/studies", "/api/runs/run/view", "/openapi.json")
        for path in guarded:
            assert client.get(path).status_code == 401
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert client.get(path, headers=headers).status_code == 200


def test_a_page_that_is_not_built_is_reported_with_a_hint(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "files", lambda _: tmp_path)
    with serving(finished) as client:
        for path in ("/", "/favicon.svg"):
            response = client.get(path)
            assert response.status_code == 404
            assert "Build it with: pip install --editable ." in response.json()["detail"]
        assert client.get("/assets/index.js").status_code == 404
        assert client.get("/api/runs").status_code == 200
