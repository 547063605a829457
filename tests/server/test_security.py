"""One test for each cause of past vulnerabilities in servers of this kind, named after it."""

from __future__ import annotations

import io
import socket
import stat
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.server.limits import Bounds

from .conftest import serving
from .test_predict import DRAWINGS, png

GOOD = png(DRAWINGS[0])


def refused(response: httpx.Response, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert words in problem["detail"], problem


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# -- names that become paths --------------------------------------------------------


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "C:\\boot.ini", "a\0b"])
def test_a_clients_file_name_is_never_a_path_gradio_2024_1561(
    client: httpx.Client, path: str
) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
        + path.encode()
        + b'"\r\n\r\n'
        + GOOD
        + b"\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = client.post("/api/predict", content=body, headers=headers)
    assert response.status_code in (200, 400)
    assert "root:" not in response.text
    if response.status_code == 200:
        assert "/" not in response.json()["models"][0]["answers"][0]["name"]


def test_a_path_in_json_is_not_opened_mlflow_2023_1177(client: httpx.Client) -> None:
    for body in ({"pixels": "/etc/passwd"}, {"path": "/etc/passwd"}, {"pixels": ["file:///etc"]}):
        refused(client.post("/api/predict", json=body), 400, "does not contain pixels")


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/../../../etc/passwd/report",
        "/api/runs/..%2f..%2f..%2fetc/report",
        "/api/runs/%2e%2e/report",
        "/api/runs/run/sheets/..%2f..%2frun.json",
        "/api/runs/run/sheets/-1",
    ],
)
def test_paths_do_not_climb_starlette_2023_29159_streamlit_2022_35918(
    client: httpx.Client, path: str
) -> None:
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 5) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = raw.makefile("rb").read()
    assert answer.split(b" ")[1] in (b"404", b"422")
    assert b"schema_version" not in answer


@pytest.mark.parametrize("name", ["..%2f..%2fcnn", "cnn%00", "http:%2f%2fevil", "a" * 5000])
def test_a_model_name_is_never_a_path_triton_2025_23316(client: httpx.Client, name: str) -> None:
    response = client.get(f"/v2/models/{name}")
    assert response.status_code == 404
    assert len(response.text) < 1000


def test_no_model_or_config_is_fetched_from_an_address_torchserve_2023_43654(
    client: httpx.Client,
) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert not any("load" in path or "register" in path for path in paths)
    for address in ("/models?url=http://127.0.0.1:1/x", "/v2/repository/models/x/load"):
        assert client.post(address, json={"url": "http://127.0.0.1:1"}).status_code == 404


# -- other sites in the user's browser --------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "x"])
def test_other_sites_cannot_post_gradio_2024_1727(client: httpx.Client, origin: str) -> None:
    response = client.post("/api/predict", content=GOOD, headers={"origin": origin})
    refused(response, 403, "Requests from other sites are not allowed")


def test_the_own_page_can(client: httpx.Client) -> None:
    own = str(client.base_url).rstrip("/")
    response = client.post("/api/predict", content=GOOD, headers={"origin": own})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_a_foreign_host_name_is_refused_dns_rebinding(client: httpx.Client) -> None:
    response = client.get("/api/models", headers={"host": "evil.example"})
    refused(response, 421, "does not accept the host name")
    assert client.get("/api/models", headers={"host": "localhost:1"}).status_code == 200


def test_nothing_uploaded_is_served_gradio_2024_47872(client: httpx.Client) -> None:
    for body in (b"<svg onload='alert(1)'/>", b"<html><script>alert(1)</script>"):
        response = client.post("/api/predict", content=body)
        refused(response, 400, "looks like")
    for path in ("/api/models", "/nowhere", "/api/predict"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "set-cookie" not in headers


def test_the_report_runs_no_script(client: httpx.Client) -> None:
    response = client.get("/api/runs/run/report")
    assert response.status_code == 200, response.text
    assert "sandbox" in response.headers["content-security-policy"]
    assert "script-src" not in response.headers["content-security-policy"]


def test_away_from_this_machine_a_token_is_required(finished: RunFolder) -> None:
    with serving(finished, hosts=None, token="secret") as client:
        for given in (b"", b"Bearer wrong", "secrét".encode()):
            answer = client.get("/api/models", headers={b"authorization": given})
            refused(answer, 401, "token is missing or invalid")
        headers = {"authorization": "Bearer secret", "host": "anything.example"}
        assert client.get("/api/models", headers=headers).status_code == 200
        assert client.get("/healthz").status_code == 200


# -- too much ------------------------------------------------------------------------


def test_a_body_that_declares_too_large_a_size_is_refused_unread(client: httpx.Client) -> None:
    refused(client.post("/api/predict", content=b"0" * 2_000_001), 413, "larger than 2 MB")


def test_who_sends_too_large_a_body_to_its_end_still_reads_why(client: httpx.Client) -> None:
    """As Firefox does: what the server leaves unread would reset the connection."""
    size = 30_000_000  # more than the buffers of two sockets
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 10) as raw:
        head = f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n"
        raw.sendall(head.encode())
        for _ in range(size // 1_000_000):
            raw.sendall(bytes(1_000_000))
        answer = raw.makefile("rb").read()
    assert answer.split(b" ")[1] == b"413"
    assert b"larger than 2 MB" in answer


def test_a_body_of_unknown_length_is_counted_as_it_arrives(client: httpx.Client) -> None:
    blocks = (b"0" * 100_000 for _ in range(100))
    with suppress(httpx.WriteError):  # the server may hang up before all was sent
        refused(client.post("/api/predict", content=blocks), 413, "larger than 2 MB")


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "abc"])
def test_a_false_length_is_refused(client: httpx.Client, length: str) -> None:
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 5) as raw:
        head = f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n"
        raw.sendall(head.encode())
        answer = raw.makefile("rb").readline()
    assert answer.split(b" ")[1] in (b"400", b"413")


def test_a_body_that_never_arrives_times_out(finished: RunFolder) -> None:
    with serving(finished, bounds=Bounds(body_seconds=1)) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 20) as raw:
            head = b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
            raw.sendall(head + b"abc")
            started = time.monotonic()
            assert b"408" in raw.makefile("rb").readline()
        assert 0.5 < time.monotonic() - started < 10
        assert client.get("/healthz").status_code == 200


def test_parts_and_fields_are_counted_starlette_2024_47874_multipart_2024_53981(
    client: httpx.Client,
) -> None:
    files = [("files", (f"{row}.png", GOOD)) for row in range(6)]
    refused(client.post("/api/predict", files=files), 400, "Too many files")
    fields = {f"field{row}": "x" for row in range(30)}
    one = [("files", ("a.png", GOOD))]
    refused(client.post("/api/predict", data=fields, files=one), 400, "Too many fields")
    large = {"field": "x" * 1_500_000}
    refused(client.post("/api/predict", data=large, files=one), 400, "exceeded maximum size")


def test_too_many_pictures_are_refused(client: httpx.Client) -> None:
    header = ",".join(f"pixel{place}" for place in range(144))
    row = ",".join(["0"] * 144)
    table = "\n".join([header, *[row] * 51])
    refused(client.post("/api/predict", content=table), 413, "at most 50 are allowed")


def bomb(width: int, height: int) -> bytes:
    """A PNG that is small as a file and huge as pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * 10), 9)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_that_unpacks_to_gigapixels_costs_nothing(client: httpx.Client) -> None:
    started = time.monotonic()
    refused(client.post("/api/predict", content=bomb(60_000, 60_000)), 400, "1 million pixels")
    assert time.monotonic() - started < 2


def test_a_zip_bomb_is_stopped_while_it_unpacks(client: httpx.Client) -> None:
    body = zipped({"a.bmp": bytes(5_000_000)})
    refused(client.post("/api/predict", content=body), 400, "a")
    many = zipped({f"{row}.png": GOOD for row in range(10)})
    refused(client.post("/api/predict", content=many), 400, "more than 9 files")


def test_zip_slip_and_links_write_nothing(client: httpx.Client, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.png", GOOD)
        archive.writestr("../../escaped.png", GOOD)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = client.post("/api/predict", content=buffer.getvalue()).json()
    assert len(found["models"][0]["answers"]) == 1
    assert len(found["left_out"]) == 2
    assert not list(tmp_path.parent.rglob("escaped.png"))


def test_nothing_is_unpickled_bentoml_2025_27520(client: httpx.Client) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for body in (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.", buffer.getvalue()):
        for kind in ("application/vnd.bentoml+pickle", "application/octet-stream"):
            response = client.post("/api/predict", content=body, headers={"content-type": kind})
            assert response.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[[[[",
        b"[" * 100_000,
        b'{"pixels": []}',
        b'{"pixels": null}',
        b'{"pixels": [[1, 2], [3]]}',
        b'{"pixels": [[1e999]]}',
        b'{"pixels": [["a"]]}',
        b'{"pixels": [[[[[1]], [[1]]], [[[1]], [[1]]]]]}',
        b"1,2,3",
        b"\xff\xfe\0\0",
        b"\0" * 99,
    ],
)
def test_broken_bodies_are_refused_in_words(client: httpx.Client, body: bytes) -> None:
    response = client.post("/api/predict", content=body)
    assert response.status_code == 400, response.text
    assert response.json()["detail"].endswith(".")


def test_overload_is_reported_and_does_not_grow(finished: RunFolder) -> None:
    """A full queue answers 503 with Retry-After, at once."""
    with serving(finished, bounds=Bounds(waiting=1)) as client:
        header = ",".join(f"pixel{place}" for place in range(144))
        table = "\n".join([header, *[",".join(["0"] * 144)] * 1500])

        def ask(_: int) -> httpx.Response:
            return httpx.post(f"{client.base_url}/api/predict", content=table, timeout=60)

        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(ask, range(24)))
        statuses = {one.status_code for one in codes}
        assert statuses <= {200, 503}
        assert 200 in statuses
        for one in codes:
            if one.status_code == 503:
                assert one.headers["retry-after"] == "1"
        assert client.post("/api/predict", content=GOOD).status_code == 200
