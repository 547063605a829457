"""Clients that are silent, slow, endless, or that leave."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.server import connections, limits

from .conftest import serving
from .test_predict import DRAWINGS, png

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextmanager
def connected(client: httpx.Client) -> Iterator[socket.socket]:
    """A bare connection to the server of a client."""
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=20) as one:
        yield one


def said(one: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    parts = []
    try:
        while part := one.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def count_of(client: httpx.Client, status: int) -> float:
    """Requests that the server counts with this status, over all routes."""
    found = re.findall(rf'bakeoff_requests_total{{.*status="{status}"}} (\S+)', metrics(client))
    return sum(map(float, found))


def metrics(client: httpx.Client) -> str:
    return client.get("/metrics").text


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param([HEAD + b"X: " + b"a" * 30_000] + [b"a" * 30_000] * 4, id="one header"),
        pytest.param([b"GET /" + b"a" * 70_000], id="an address"),
        pytest.param([HEAD, *[b"X-%d: 1\r\n" % number for number in range(101)]], id="many lines"),
        pytest.param(
            [
                b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
                b"\r\n2\r\nab\r\n0\r\nX: " + b"a" * 200_000
            ],
            id="a trailer",
        ),
    ],
)
def test_endless_headers_are_refused(client: httpx.Client, endless: list[bytes]) -> None:
    with connected(client) as one:
        try:
            for part in endless:
                one.sendall(part)
        except ConnectionError:
            pass  # refused already
        answer = said(one)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"detail": "The' in answer
    assert b"Send fewer" in answer


def test_a_hundred_headers_and_60_kb_are_fine(client: httpx.Client) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 600) for number in range(98))
    with connected(client) as one:
        one.sendall(HEAD + lines + b"Connection: close\r\n\r\n")
        assert said(one).startswith(b"HTTP/1.1 200 ")


def test_what_is_no_http_is_refused_in_the_form_of_all_refusals(client: httpx.Client) -> None:
    with connected(client) as one:
        one.sendall(b"hello\r\n\r\n")
        answer = said(one)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


def test_slow_headers_time_out_on_the_first_request_and_the_next(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with serving(finished) as client:
        with connected(client) as one:
            one.sendall(HEAD)
            assert said(one).startswith(b"HTTP/1.1 408 ")
        with connected(client) as one:
            assert said(one) == b""  # nothing was asked, so nothing is answered
        with connected(client) as one:
            one.sendall(HEAD + b"\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200 ")
            one.sendall(HEAD)
            assert b"HTTP/1.1 408 " in said(one)


def test_silent_connections_keep_nobody_out(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FROM_ONE", 8)
    with serving(finished) as client, ExitStack() as stack:
        silent = [stack.enter_context(connected(client)) for _ in range(30)]
        assert client.get("/healthz").status_code == 200
        assert client.post("/api/predict", content=png(DRAWINGS[0])).status_code == 200
        assert said(silent[0]) == b""  # the oldest had to go
        silent[-1].sendall(HEAD + b"Connection: close\r\n\r\n")
        assert said(silent[-1]).startswith(b"HTTP/1.1 200 ")  # the newest has not


def test_the_limit_on_all_connections_spares_those_with_a_request(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS", 4)
    body = png(DRAWINGS[0])
    with serving(finished) as client, ExitStack() as stack:
        early = stack.enter_context(connected(client))
        early.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        for _ in range(10):
            stack.enter_context(connected(client))
        assert client.get("/healthz").status_code == 200
        early.sendall(body)
        assert said(early).startswith(b"HTTP/1.1 200 ")


def test_the_health_check_answers_when_too_much_is_in_progress(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REQUESTS", 1)
    with serving(finished) as client, connected(client) as slow:
        slow.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")
        refused = client.get("/api/models")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        assert client.get("/v2/health/ready").status_code == 200


@pytest.mark.parametrize("path", ["/api/predict", "/api/runs/none/resume", "/v2/models/cnn/infer"])
def test_a_client_that_leaves_in_mid_body_is_counted_and_no_error(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    before = count_of(client, 499), count_of(client, 500)
    with caplog.at_level(logging.DEBUG, "bakeoff.server"), connected(client) as one:
        one.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\nabc".encode()
        )
        time.sleep(0.05)
    until = time.monotonic() + 10
    if path != "/api/runs/none/resume":  # which answers without a look at the body
        while count_of(client, 499) == before[0]:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert count_of(client, 500) == before[1]
    assert not [record for record in caplog.records if record.exc_info]


def test_head_is_answered_like_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/healthz", "/api/models", "/api/runs", "/openapi.json", "/v2/health/live", "/"):
        head, get = client.head(path), client.get(path)
        assert head.status_code == get.status_code == 200, path
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]
    assert client.head("/nowhere").status_code == client.get("/nowhere").status_code
    assert client.head("/api/predict").status_code == 405
    (name,) = (run["name"] for run in client.get("/api/runs").json())
    assert client.head(f"/api/runs/{name}/events").headers["content-type"].startswith("text/event")
