"""Bodies that clients send compressed, at every address."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest

from .test_predict import DRAWINGS, answers, matrix, png

BODY = png(DRAWINGS[2])


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),  # as some clients do
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
        ("identity", bytes),
        ("gzip", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
    ],
)
def test_a_packed_body_is_unpacked(
    client: httpx.Client, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"content-encoding": encoding}
    expected = answers(client.post("/api/predict", content=BODY))
    assert answers(client.post("/api/predict", content=pack(BODY), headers=headers)) == expected
    table = pack(matrix(DRAWINGS[2]))
    found = answers(client.post("/api/predict", content=table, headers=headers))
    assert found["cnn"][0]["top"] == expected["cnn"][0]["top"]
    for_all = client.post("/api/seen", content=pack(BODY), headers=headers)
    assert for_all.status_code == 200, for_all.text


def test_it_may_arrive_in_pieces(client: httpx.Client) -> None:
    packed = gzip.compress(BODY)
    pieces = (packed[start : start + 7] for start in range(0, len(packed), 7))
    response = client.post("/api/predict", content=pieces, headers={"content-encoding": "gzip"})
    assert answers(response) == answers(client.post("/api/predict", content=BODY))


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "gzip,gzip,gzip,gzip"])
def test_other_encodings_are_refused_with_those_that_are_known(
    client: httpx.Client, encoding: str
) -> None:
    for address in ("/api/predict", "/v2/models/cnn/infer"):
        response = client.post(address, content=BODY, headers={"content-encoding": encoding})
        assert response.status_code == 415
        assert response.headers["accept-encoding"] == "gzip, deflate"
        assert "gzip or deflate" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [BODY, gzip.compress(BODY)[:-9], gzip.compress(BODY)[:40], b"", b"\x1f\x8b" + BODY],
    ids=["plain", "cut at the end", "cut", "empty", "magic alone"],  # gzip writes the time
)
def test_a_damaged_body_is_refused(client: httpx.Client, body: bytes) -> None:
    response = client.post("/api/predict", content=body, headers={"content-encoding": "gzip"})
    assert response.status_code == 400
    assert "Content-Encoding" in response.json()["detail"]


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: gzip.compress(gzip.compress(data))])
def test_a_bomb_is_refused_while_it_unpacks(
    client: httpx.Client, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(bytes(200_000_000))
    layers = 1 if len(body) > 10_000 else 2
    headers = {"content-encoding": ", ".join(["gzip"] * layers)}
    response = client.post("/api/predict", content=body, headers=headers)
    assert response.status_code == 413
    assert "unpacks to more than 2 MB" in response.json()["detail"]
