"""The server behind a proxy, below a path, and for pages of other sites."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.server.public import PublicUrl, origin_of

from ..commands import bakeoff
from .conftest import serving
from .test_predict import DRAWINGS, answers, png
from .test_process import served

BODY = png(DRAWINGS[2])
PUBLIC = "https://models.example.org"
APP = "https://app.example.org"


@pytest.fixture(scope="module")
def behind(finished: RunFolder) -> Iterator[httpx.Client]:
    public = [PublicUrl.parse(text) for text in (f"{PUBLIC}/digits", "https://b.example:8443/a/b")]
    with serving(finished, public=public, allow_origins=[APP]) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": PUBLIC},  # a proxy that sends its own Host
        {"origin": PUBLIC, "host": "models.example.org"},
        {"origin": PUBLIC, "host": "models.example.org:443"},
        {"origin": "https://b.example:8443", "host": "b.example:8443"},
        {"host": "models.example.org"},
    ],
)
@pytest.mark.parametrize("prefix", ["", "/digits", "/a/b"])
def test_the_page_of_a_public_address_can_use_the_server(
    behind: httpx.Client, headers: dict[str, str], prefix: str
) -> None:
    """Whether the proxy takes the path away or passes it on."""
    expected = answers(behind.post("/api/predict", content=BODY))
    response = behind.post(f"{prefix}/api/predict", content=BODY, headers=headers)
    assert answers(response) == expected
    assert behind.get(f"{prefix}/", headers=headers).status_code == 200
    assert behind.get(f"{prefix}/v2/models/cnn", headers=headers).json()["name"] == "cnn"
    assert behind.get(f"{prefix}/nowhere", headers=headers).status_code == 404


def test_the_page_s_address_ends_in_a_slash(behind: httpx.Client) -> None:
    response = behind.get("/a/b?x=1")
    assert response.status_code == 307
    assert httpx.URL("https://b.example/a/b").join(response.headers["location"]).path == "/a/b/"
    assert response.headers["location"].endswith("?x=1")
    assert behind.get("/digitsandmore").status_code == 404


@pytest.mark.parametrize(
    "origin",
    [
        "http://models.example.org",
        "https://models.example.org:8443",
        "https://models.example.org.evil.example",
        "https://evil.example",
        "null",
    ],
)
def test_others_are_refused_with_the_option_that_would_allow_them(
    behind: httpx.Client, origin: str
) -> None:
    response = behind.post("/digits/api/predict", content=BODY, headers={"origin": origin})
    assert response.status_code == 403
    assert f"--public-url {origin}" in response.json()["detail"]
    assert f"--allow-origin {origin}" in response.json()["detail"]
    unknown = behind.get("/api/models", headers={"host": "other.example"})
    assert unknown.status_code == 421
    assert "--public-url https://other.example" in unknown.json()["detail"]


def test_the_path_does_not_get_around_the_token(finished: RunFolder) -> None:
    public = [PublicUrl.parse(f"{PUBLIC}/digits")]
    with serving(finished, hosts=None, token="secret", public=public) as client:
        for path in ("/api/models", "/digits/api/models", "/digits//api/models"):
            assert client.get(path).status_code in (401, 404), path
        headers = {"authorization": "Bearer secret", "origin": PUBLIC, "host": "127.0.0.1"}
        assert client.get("/digits/api/models", headers=headers).status_code == 200


def test_a_named_page_may_use_the_api(behind: httpx.Client) -> None:
    preflight = {
        "origin": APP,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,content-encoding",
    }
    response = behind.options("/api/predict", headers=preflight)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == APP
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"]
    response = behind.post("/api/predict", content=BODY, headers={"origin": APP})
    assert answers(response)
    assert response.headers["access-control-allow-origin"] == APP
    assert "Origin" in response.headers["vary"]
    refused = behind.post("/api/predict", content=b"", headers={"origin": APP})
    assert refused.status_code == 400
    assert refused.headers["access-control-allow-origin"] == APP  # its script can read why
    private = preflight | {"access-control-request-private-network": "true"}
    found = behind.options("/api/predict", headers=private).headers
    assert found["access-control-allow-private-network"] == "true"


def test_no_other_page_may(behind: httpx.Client, client: httpx.Client) -> None:
    for server, origin in ((behind, "https://evil.example"), (behind, "null"), (client, APP)):
        preflight = {"origin": origin, "access-control-request-method": "POST"}
        response = server.options("/api/predict", headers=preflight)
        assert response.status_code >= 400
        assert "access-control-allow-origin" not in response.headers
        response = server.post("/api/predict", content=BODY, headers={"origin": origin})
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers


def test_a_preflight_needs_no_token_but_the_request_does(finished: RunFolder) -> None:
    with serving(finished, hosts=None, token="secret", allow_origins=[APP]) as client:
        preflight = {"origin": APP, "access-control-request-method": "POST"}
        assert client.options("/api/predict", headers=preflight).status_code == 200
        response = client.post("/api/predict", content=BODY, headers={"origin": APP})
        assert response.status_code == 401
        assert response.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize(
    ("text", "origin", "prefix"),
    [
        ("https://models.example.org", "https://models.example.org", ""),
        ("https://Models.Example.org/", "https://models.example.org", ""),
        ("https://models.example.org:443/a/b/", "https://models.example.org", "/a/b"),
        ("http://10.0.0.7:8080/x", "http://10.0.0.7:8080", "/x"),
        ("https://[::1]:8443", "https://[::1]:8443", ""),
        ("https://bücher.example/ä%20b", "https://xn--bcher-kva.example", "/ä b"),
    ],
)
def test_public_addresses(text: str, origin: str, prefix: str) -> None:
    url = PublicUrl.parse(text)
    assert (url.origin, url.prefix) == (origin, prefix)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models.example.org", "is not a web address"),
        ("ftp://models.example.org", "is not a web address"),
        ("https://", "is not a web address"),
        ("https://a:b@example.org", "is not a web address"),
        ("https://example.org:99999", "is not a web address"),
        ("https://example.org/?a=1", "more than a host and a path"),
        ("https://example.org/api", "one of the server itself"),
        ("https://example.org/v2/x", "one of the server itself"),
    ],
)
def test_what_is_no_public_address(text: str, words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        PublicUrl.parse(text)


@pytest.mark.parametrize("text", ["*", "null", "https://example.org/app", "example.org"])
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(BakeoffError, match="--allow-origin"):
        origin_of(text)


def test_options_of_serve(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--public-url", f"{PUBLIC}/digits", "--allow-origin", APP)
    with served(finished.bundle("cnn"), *arguments) as (_, address, _said):
        headers = {"origin": PUBLIC}
        assert (
            httpx.get(f"{address}/digits/api/models", headers=headers, timeout=60).status_code
            == 200
        )
        # Others come in through the proxy, so they may not train.
        assert not httpx.get(f"{address}/api/training").json()["possible"]
        response = httpx.get(f"{address}/api/models", headers={"origin": APP})
        assert response.headers["access-control-allow-origin"] == APP
    monkeypatch.setenv("BAKEOFF_TOKEN", "secret")
    with served(finished.bundle("cnn"), *arguments) as (_, address, _said):
        assert (
            httpx.get(f"{address}/digits/api/models", headers=headers, timeout=60).status_code
            == 401
        )
    wrong = ("serve", finished.bundle("cnn"), "--allow-origin", "*")
    bakeoff(*wrong, monkeypatch=monkeypatch, code=2)
    assert "would let any page use this server" in capsys.readouterr().err


# -- pictures as text ---------------------------------------------------------------


LETTERS = base64.b64encode(BODY).decode()
DATA_URL = f"data:image/png;base64,{LETTERS}"


@pytest.mark.parametrize(
    "request_options",
    [
        {"json": {"image": DATA_URL}},
        {"json": {"image": LETTERS}},
        {"json": {"image": [DATA_URL]}},
        {"json": {"image": base64.urlsafe_b64encode(BODY).decode().rstrip("=")}},
        {"json": {"image": "\n".join(LETTERS[at : at + 76] for at in range(0, len(LETTERS), 76))}},
        {"json": {"image": f"data:image/x-icon;name=a.png;base64,{LETTERS}"}},
        {"content": DATA_URL},
        {"content": DATA_URL, "headers": {"content-type": "text/plain"}},
        {"files": {"files": (None, DATA_URL)}},  # a field of a form, not a file
    ],
)
def test_a_picture_as_text_is_answered_as_its_file(
    client: httpx.Client, request_options: dict[str, Any]
) -> None:
    expected = answers(client.post("/api/predict", content=BODY))
    found = answers(client.post("/api/predict", **request_options))
    assert found == expected
    assert client.post("/api/seen", **request_options).status_code == 200


def test_several_pictures_as_text_are_answered_in_order(client: httpx.Client) -> None:
    texts = [base64.b64encode(png(drawing)).decode() for drawing in DRAWINGS[:3]]
    found = answers(client.post("/api/predict", json={"image": texts}))["cnn"]
    assert [answer["name"] for answer in found] == ["image[0]", "image[1]", "image[2]"]
    alone = answers(client.post("/api/predict", json={"image": texts[2]}))["cnn"]
    assert found[2]["probability"] == pytest.approx(alone[0]["probability"], abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "data:text/html;base64,PGI+",
        "data:image/png;base64,",
        "",
        "####",
        base64.b64encode(b"no picture").decode(),
    ],
)
def test_other_text_is_refused_and_nothing_is_fetched(client: httpx.Client, text: str) -> None:
    response = client.post("/api/predict", json={"image": text})
    assert response.status_code == 400
    assert "root:" not in response.text


def test_a_large_picture_as_text_has_the_limits_of_a_file(client: httpx.Client) -> None:
    large = base64.b64encode(b"\x89PNG\r\n" + bytes(1_600_000)).decode()
    assert client.post("/api/predict", json={"image": large}).status_code == 413
