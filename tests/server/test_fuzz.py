"""Malformed bodies: every response is a clear refusal, never a 5xx."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from .test_oip import request_body
from .test_predict import DRAWINGS, matrix, png


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.png", png(DRAWINGS[0]))
    return buffer.getvalue()


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
    + png(DRAWINGS[0])
    + b"\r\n--x--\r\n"
)
PLAIN, PROTOCOL = "/api/predict", "/v2/models/cnn/infer"
VALID: list[tuple[str, dict[str, str], bytes]] = [
    (PLAIN, {}, png(DRAWINGS[0])),
    (PLAIN, {}, matrix(DRAWINGS[0])),
    (PLAIN, {}, json.dumps({"pixels": DRAWINGS[0][..., 0].tolist()}).encode()),
    (PLAIN, {}, _zip()),
    (PLAIN, {"content-type": "multipart/form-data; boundary=x"}, FORM),
    (PLAIN, {}, json.dumps({"image": base64.b64encode(png(DRAWINGS[0])).decode()}).encode()),
    (PLAIN, {"content-encoding": "gzip"}, gzip.compress(png(DRAWINGS[0]), mtime=0)),
    (PROTOCOL, {}, json.dumps(request_body()).encode()),
]


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, dict[str, str], bytes]:
    """A valid request with a corrupted part of its body."""
    path, headers, body = draw(st.sampled_from(VALID))
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 40)))
    stuff = draw(st.one_of(st.binary(max_size=60), st.sampled_from([b"-1", b"1e999", b"null"])))
    kept = body[end:] if draw(st.booleans()) else b""
    return path, headers, body[:start] + stuff + kept


# Starlette leaves the file of a broken part to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=spoiled())
def test_a_corrupted_body_gets_a_response(
    client: httpx.Client, request: tuple[str, dict[str, str], bytes]
) -> None:
    path, headers, body = request
    response = client.post(path, content=body, headers=headers)
    assert response.status_code in (200, 400, 413), response.text
    if response.status_code != 200:
        kind = "application/json" if path == PROTOCOL else "application/problem+json"
        assert response.headers["content-type"] == kind
        assert response.json()["detail"].endswith(".")


def test_every_request_that_openapi_allows_gets_a_response(client: httpx.Client) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        seen.add(operation.path)

        @settings(max_examples=15, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(checks=[not_a_server_error], timeout=30)

        ask()
    assert {"/api/predict", "/api/models", "/v2/models/{name}/infer"} <= seen
