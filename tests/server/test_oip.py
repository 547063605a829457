"""The Open Inference Protocol, with its real client and with handwritten requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from bakeoff.bundle.bundle import load
from bakeoff.record.folder import RunFolder

from ..strokes import strokes
from .conftest import serving

PIXELS = np.stack(list(strokes(4).pictures))


@pytest.fixture
def client_of_triton(client: httpx.Client) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{client.base_url.port}") as found:
        yield found


def test_the_server_and_its_models_are_described(
    client_of_triton: triton.InferenceServerClient, finished: RunFolder
) -> None:
    assert client_of_triton.is_server_live()
    assert client_of_triton.is_server_ready()
    assert client_of_triton.is_model_ready("cnn")
    assert not client_of_triton.is_model_ready("none")
    assert "binary_tensor_data" in client_of_triton.get_server_metadata()["extensions"]
    found = client_of_triton.get_model_metadata("cnn")
    assert found["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, -1, -1, -1]}]
    width = load(finished.bundle("cnn")).manifest.embedding
    assert [one["shape"] for one in found["outputs"]] == [[-1, 3], [-1], [-1, width]]


@pytest.mark.parametrize("binary", [True, False])
def test_a_model_answers_as_its_bundle(
    client_of_triton: triton.InferenceServerClient, finished: RunFolder, binary: bool
) -> None:
    given = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
    given.set_data_from_numpy(PIXELS, binary_data=binary)
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary)
        for name in ("probabilities", "embedding")
    ]
    answer = client_of_triton.infer("cnn", [given], outputs=wanted, request_id="7")
    probabilities, _, embedding = load(finished.bundle("cnn")).run(PIXELS)
    np.testing.assert_allclose(answer.as_numpy("probabilities"), probabilities, atol=1e-5)
    np.testing.assert_allclose(answer.as_numpy("embedding"), embedding, atol=1e-4)
    assert answer.as_numpy("ood_score") is None
    assert answer.get_response()["id"] == "7"


def test_all_outputs_come_by_default(
    client_of_triton: triton.InferenceServerClient,
) -> None:
    given = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
    given.set_data_from_numpy(PIXELS)
    answer = client_of_triton.infer("baseline", [given])
    assert answer.as_numpy("ood_score").shape == (4,)


def test_the_version_that_the_metadata_names_has_its_addresses(
    client: httpx.Client, client_of_triton: triton.InferenceServerClient
) -> None:
    assert client_of_triton.is_model_ready("cnn", "1")
    found = client_of_triton.get_model_metadata("cnn", "1")
    assert found == client_of_triton.get_model_metadata("cnn")
    given = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
    given.set_data_from_numpy(PIXELS)
    answer = client_of_triton.infer("cnn", [given], model_version=found["versions"][0])
    plain = client_of_triton.infer("cnn", [given])
    assert answer.get_response()["model_version"] == found["versions"][0]
    for output in ("probabilities", "ood_score", "embedding"):
        np.testing.assert_allclose(answer.as_numpy(output), plain.as_numpy(output), atol=1e-6)


@pytest.mark.parametrize("version", ["2", "0", "01", "latest", "1/../1"])
def test_other_versions_are_refused(client: httpx.Client, version: str) -> None:
    address = f"/v2/models/cnn/versions/{quote(version, safe='')}"
    for response in (
        client.get(address),
        client.get(f"{address}/ready"),
        client.post(f"{address}/infer", json=request_body()),
    ):
        assert response.status_code == 404
        assert response.json()["error"]


def test_a_model_whose_name_has_a_slash_has_versions_too(finished: RunFolder) -> None:
    with serving(finished) as client:
        assert client.post("/api/runs/run/models").status_code == 200
        names = [model["name"] for model in client.get("/api/models").json()]
        for name in [*names, "run/none"]:
            status = 200 if name in names else 404
            for address in (f"/v2/models/{name}", f"/v2/models/{name}/versions/1/ready"):
                assert client.get(address).status_code == status, address


@pytest.mark.parametrize("packed", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_triton_may_compress_its_requests(
    client_of_triton: triton.InferenceServerClient, packed: str, binary: bool
) -> None:
    given = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
    given.set_data_from_numpy(PIXELS, binary_data=binary)
    plain, answer = (
        client_of_triton.infer("cnn", [given], request_compression_algorithm=algorithm)
        for algorithm in (None, packed)
    )
    expected = plain.as_numpy("probabilities")
    np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-6)


def test_clients_can_read_every_refusal(
    finished: RunFolder, client_of_triton: triton.InferenceServerClient
) -> None:
    """Of unknown models, of addresses that are not there, and of the guard."""
    given = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
    given.set_data_from_numpy(PIXELS)
    for ask, words in (
        (lambda: client_of_triton.infer("none", [given]), "There is no model 'none'"),
        (lambda: client_of_triton.infer("cnn", [given], model_version="7"), "version '7'"),
        (lambda: client_of_triton.get_model_config("cnn"), "no model 'cnn/config'"),
        (client_of_triton.get_model_repository_index, "There is nothing at this address"),
    ):
        with pytest.raises(InferenceServerException, match=words):
            ask()
    with (
        serving(finished, hosts=None, token="secret") as client,
        triton.InferenceServerClient(f"127.0.0.1:{client.base_url.port}") as refused,
        pytest.raises(InferenceServerException, match="token is missing"),
    ):
        refused.get_server_metadata()


def request_body(**changes: Any) -> dict[str, Any]:
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, 2, 2, 1], "data": [0, 9, 9, 0]}
    return {"inputs": [tensor | changes]}


def test_the_former_name_of_the_ood_score_is_still_accepted(client: httpx.Client) -> None:
    body = request_body() | {"outputs": [{"name": "strangeness"}, {"name": "ood_score"}]}
    response = client.post("/v2/models/cnn/infer", json=body)
    assert response.status_code == 200, response.text
    former, current = response.json()["outputs"]
    assert (former["name"], current["name"]) == ("strangeness", "ood_score")
    assert former["data"] == current["data"]


def test_an_error_names_the_field(client: httpx.Client) -> None:
    response = client.post("/v2/models/cnn/infer", json=request_body(shape=[1, 2, 2]))
    assert response.json()["detail"].startswith("inputs.0.shape.3: ")


def test_a_request_by_hand(client: httpx.Client) -> None:
    response = client.post("/v2/models/cnn/infer", json=request_body())
    assert response.status_code == 200
    names = [one["name"] for one in response.json()["outputs"]]
    assert names == ["probabilities", "ood_score", "embedding"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"inputs": []}, 400),
        ({"inputs": [1]}, 400),
        (request_body(name="path"), 400),
        (request_body(datatype="BYTES"), 400),
        (request_body(shape=[1, 2, 2]), 400),
        (request_body(shape=[1, 2, 2, 2]), 400),
        (request_body(shape=[0, 2, 2, 1], data=[]), 400),
        (request_body(shape=[-1, 2, 2, 1]), 400),
        (request_body(shape=[True, 2, 2, 1]), 400),
        (request_body(shape=[1, 10**6, 10**6, 1]), 413),
        (request_body(shape=[10**6, 2, 2, 1]), 413),
        (request_body(shape=[50, 1000, 1000, 1]), 413),
        (request_body(data=[0, 9]), 400),
        (request_body(data=[0, 9, 9, 256]), 400),
        (request_body(data=[0, 9, 9, -1]), 400),
        (request_body(data=[0, 9, 9, 0.5]), 400),
        (request_body(data="abcd"), 400),
        (request_body(data=[[0, 9], [9]]), 400),
        (request_body(data=None), 400),
        (request_body(parameters={"binary_data_size": 4}), 400),
        (request_body() | {"outputs": [{"name": "weights"}]}, 400),
        (request_body() | {"outputs": "all"}, 400),
    ],
)
def test_an_invalid_request_is_refused(client: httpx.Client, body: Any, status: int) -> None:
    response = client.post("/v2/models/cnn/infer", json=body)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"] == response.json()["detail"] != ""


@pytest.mark.parametrize("length", ["-1", "99999", "x", "1"])
def test_a_false_length_in_the_header_is_refused(client: httpx.Client, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length}
    response = client.post("/v2/models/cnn/infer", json=request_body(), headers=headers)
    assert response.status_code == 400
