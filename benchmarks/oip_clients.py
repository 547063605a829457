"""Ask a running server by the clients of the Open Inference Protocol that are installed here.

`kserve` and `mlserver` pin versions that do not go together with those of bakeoff, so each has an
environment of its own:

    bakeoff serve runs/digits --port 8471
    python -m venv k && k/bin/pip install 'kserve==0.21.*' 'tritonclient[http]'
    k/bin/python benchmarks/oip_clients.py 127.0.0.1:8471 cnn
    python -m venv m && m/bin/pip install 'mlserver>=1.7'
    m/bin/python benchmarks/oip_clients.py 127.0.0.1:8471 cnn
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ADDRESS, MODEL = sys.argv[1:3]
PIXELS = np.full((2, 28, 28, 1), 255, dtype=np.uint8)
WRONG: list[str] = []
PIXELS[:, 6:22, 12:15] = 0


def check(what: str, right: bool, note: object = "") -> None:
    print(f"{'ok' if right else 'WRONG':5} {what} {note}".rstrip())
    if not right:
        WRONG.append(what)


def by_triton() -> None:
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException

    client = triton.InferenceServerClient(ADDRESS)
    check("triton: live and ready", client.is_server_live() and client.is_server_ready())
    for version in ("", "1"):
        check(f"triton: model ready, version {version!r}", client.is_model_ready(MODEL, version))
        found = client.get_model_metadata(MODEL, version)
        check(f"triton: metadata, version {version!r}", found["versions"] == ["1"])
    check("triton: no version 2", not client.is_model_ready(MODEL, "2"))
    answers = []
    for binary in (True, False):
        for packed in (None, "gzip", "deflate"):
            tensor = triton.InferInput("pixels", list(PIXELS.shape), "UINT8")
            tensor.set_data_from_numpy(PIXELS, binary_data=binary)
            wanted = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
            answer = client.infer(
                MODEL,
                [tensor],
                model_version="1",
                outputs=wanted,
                request_compression_algorithm=packed,
                response_compression_algorithm=packed,
            )
            answers.append(answer.as_numpy("probabilities"))
            check(f"triton: infer, binary {binary}, {packed}", answers[-1].shape[0] == 2)
    check("triton: all the same", all(np.allclose(one, answers[0], atol=1e-6) for one in answers))
    for name, version, shape in (("none", "1", None), (MODEL, "9", None), (MODEL, "1", [2, 784])):
        tensor = triton.InferInput("pixels", shape or list(PIXELS.shape), "UINT8")
        tensor.set_data_from_numpy(PIXELS.reshape(shape or PIXELS.shape))
        try:
            client.infer(name, [tensor], model_version=version)
            check(f"triton: {name} {version} {shape} is refused", False)
        except InferenceServerException as error:
            words = error.message()
            check(f"triton: {name} {version} {shape} is refused", bool(words), words)


async def by_kserve() -> None:
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    base = f"http://{ADDRESS}"
    check("kserve: live", await client.is_server_live(base))
    check("kserve: ready", await client.is_server_ready(base))
    check("kserve: model ready", await client.is_model_ready(base, MODEL))
    answers = []
    for binary in (False, True):
        tensor = InferInput("pixels", list(PIXELS.shape), "UINT8")
        tensor.set_data_from_numpy(PIXELS, binary_data=binary)
        request: Any = InferRequest(model_name=MODEL, infer_inputs=[tensor], request_id="7")
        answer = await client.infer(base, request, model_name=MODEL)
        found = {output.name: output for output in answer.outputs}
        answers.append(found["probabilities"].as_numpy())
        check(f"kserve: infer, binary {binary}", answers[-1].shape[0] == 2 and answer.id == "7")
    check("kserve: all the same", np.allclose(*answers, atol=1e-6))
    try:
        tensor = InferInput("pixels", [2, 784], "UINT8")
        tensor.set_data_from_numpy(PIXELS.reshape(2, 784), binary_data=False)
        request = InferRequest(model_name=MODEL, infer_inputs=[tensor])
        await client.infer(base, request, model_name=MODEL)
        check("kserve: another shape is refused", False)
    except Exception as error:
        check("kserve: another shape is refused", "shape" in str(error), error)


async def by_mlserver() -> None:
    from mlserver.batch_processing import process_batch
    from mlserver.codecs import NumpyCodec
    from mlserver.types import InferenceRequest, InferenceResponse

    requests = InferenceRequest(inputs=[NumpyCodec.encode_input("pixels", PIXELS)])
    with tempfile.TemporaryDirectory() as folder:
        given, got = Path(folder, "in.json"), Path(folder, "out.json")
        for binary in (False, True):
            given.write_text(f"{requests.model_dump_json(exclude_none=True)}\n" * 3)
            await process_batch(
                model_name=MODEL,
                url=ADDRESS,
                workers=2,
                retries=1,
                batch_size=1,
                input_data_path=str(given),
                output_data_path=str(got),
                binary_data=binary,
                batch_interval=0.0,
                batch_jitter=0.0,
                transport="rest",
                request_headers=[],
                timeout=30,
                use_ssl=False,
                insecure=True,
                verbose=False,
                extra_verbose=False,
            )
            lines = [json.loads(line) for line in got.read_text().splitlines()]
            outputs = InferenceResponse.model_validate(lines[0]).outputs
            names = [output.name for output in outputs]
            check(f"mlserver: infer, binary {binary}", len(lines) == 3, names)


if __name__ == "__main__":
    for name in ("tritonclient", "kserve", "mlserver"):
        if find_spec(name) is not None:
            print(name, importlib.metadata.version(name))
    if find_spec("tritonclient") is not None:
        by_triton()
    if find_spec("kserve") is not None:
        asyncio.run(by_kserve())
    if find_spec("mlserver") is not None and find_spec("kserve") is None:
        asyncio.run(by_mlserver())
    sys.exit(len(WRONG))
