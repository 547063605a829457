"""The Open Inference Protocol, version 2, with its extension for binary tensors.

https://github.com/kserve/open-inference-protocol and, for the binary form,
https://docs.nvidia.com/deeplearning/triton-inference-server (protocol, binary tensor data).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray

from bakeoff.bundle.graph import INPUT, OUTPUTS
from bakeoff.data.pictures import Pictures
from bakeoff.server.batching import Batcher
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.models import Models
from bakeoff.version import __version__

__all__ = ["router"]

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

HEADER = "inference-header-content-length"
SENT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}


def _line(request: Request, name: str) -> Batcher:
    models: Models = request.app.state.models
    return models.line(name)


@router.get("")
def server() -> dict[str, Any]:
    """The server and what it can do."""
    return {"name": "bakeoff", "version": __version__, "extensions": ["binary_tensor_data"]}


@router.get("/health/live")
def live() -> dict[str, bool]:
    """Whether the server is up."""
    return {"live": True}


@router.get("/health/ready")
def ready() -> dict[str, bool]:
    """Whether every model can be asked; they are loaded before the server listens."""
    return {"ready": True}


@router.get("/models/{name:path}/ready")
def model_ready(request: Request, name: str) -> dict[str, Any]:
    """Whether a model can be asked."""
    _line(request, name)
    return {"name": name, "ready": True}


@router.post("/models/{name:path}/infer", openapi_extra=SENT)
async def infer(request: Request, name: str) -> Response:
    """Ask a model: `pixels`, UINT8 of batch × height × width × channels, raw and of any size."""
    line = _line(request, name)
    bounds: Bounds = request.app.state.bounds
    question, binary = _question(await request.body(), request.headers.get(HEADER))
    pixels = _pixels(question, binary, bounds)
    outputs = await line.run(Pictures.from_array(pixels))
    return _answer(name, question, dict(zip(OUTPUTS, outputs, strict=True)))


# After the two above, since a name may hold a slash.
@router.get("/models/{name:path}")
def model(request: Request, name: str) -> dict[str, Any]:
    """What a model takes and gives."""
    bundle = _line(request, name).bundle
    shapes = {
        "probabilities": [-1, len(bundle.classes)],
        "ood_score": [-1],
        "embedding": [-1, bundle.manifest.embedding],
    }
    return {
        "name": name,
        "versions": ["1"],
        "platform": "onnx_onnxruntime",
        "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, -1, -1, -1]}],
        "outputs": [{"name": one, "datatype": "FP32", "shape": shapes[one]} for one in OUTPUTS],
    }


def _question(body: bytes, header: str | None) -> tuple[dict[str, Any], bytes]:
    """The JSON at the start of a body, and the binary tensors after it."""
    length = len(body) if header is None else int(header) if header.isdecimal() else -1
    if not 0 <= length <= len(body):
        raise Problem(400, f"{HEADER}: is not the length of the JSON in this body.")
    try:
        question = json.loads(body[:length])
    except (ValueError, RecursionError):
        raise Problem(400, "The body does not begin with JSON.") from None
    if not isinstance(question, dict):
        raise Problem(400, "The JSON is not an object with inputs.")
    return question, body[length:]


def _pixels(question: dict[str, Any], binary: bytes, bounds: Bounds) -> NDArray[np.uint8]:
    inputs = question.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise Problem(400, f"There is not one input. Send {INPUT} alone.")
    given = inputs[0]
    if given.get("name") != INPUT or given.get("datatype") != "UINT8":
        raise Problem(400, f"The input is not {INPUT} of datatype UINT8.")
    shape = given.get("shape")
    shape = shape if isinstance(shape, list) else []
    whole = all(type(one) is int and one > 0 for one in shape)
    if not whole or len(shape) != 4 or shape[3] not in (1, 3):
        raise Problem(400, "The shape is not batch × height × width × 1 or 3, all above 0.")
    count, height, width, channels = shape
    most = bounds.picture_megapixels * 1_000_000
    if count > bounds.pictures or height * width > most:
        raise Problem(
            413,
            f"{bounds.pictures} pictures of {bounds.picture_megapixels} megapixels are the most.",
        )
    size = count * height * width * channels
    if size > bounds.body_mb * 1_000_000:
        raise Problem(413, f"The pixels are more than {bounds.body_mb} MB.")
    parameters = given.get("parameters") or {}
    declared = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if declared is not None:
        if declared != len(binary) or size != len(binary):
            raise Problem(400, "The binary data is not as long as the shape says.")
        return np.frombuffer(binary, dtype=np.uint8).reshape(shape)
    try:
        values = np.asarray(given.get("data"))
    except ValueError:
        values = np.empty(0)
    if values.dtype.kind not in "iu" or values.size != size:
        raise Problem(400, "The data is not as many whole numbers as the shape says.")
    if int(values.min()) < 0 or int(values.max()) > 255:
        raise Problem(400, "The data is not of numbers from 0 to 255.")
    return values.astype(np.uint8).reshape(shape)


def _answer(name: str, question: dict[str, Any], outputs: dict[str, NDArray[Any]]) -> Response:
    all_binary = _flag(question, "binary_data_output")
    wanted = question.get("outputs") or [{"name": one} for one in OUTPUTS]
    if not isinstance(wanted, list) or not all(
        isinstance(one, dict) and one.get("name") in outputs for one in wanted
    ):
        raise Problem(400, f"An output is not known. Those there are: {', '.join(OUTPUTS)}.")
    told, blobs = [], []
    for one in wanted:
        output = np.ascontiguousarray(outputs[one["name"]], dtype="<f4")
        record: dict[str, Any] = {
            "name": one["name"],
            "datatype": "FP32",
            "shape": list(output.shape),
        }
        if _flag(one, "binary_data", all_binary):
            blobs.append(output.tobytes())
            record["parameters"] = {"binary_data_size": output.nbytes}
        else:
            record["data"] = output.reshape(-1).tolist()
        told.append(record)
    answer: dict[str, Any] = {"model_name": name, "model_version": "1", "outputs": told}
    if isinstance(question.get("id"), str):
        answer["id"] = question["id"]
    head = json.dumps(answer).encode()
    if not blobs:
        return Response(head, media_type="application/json")
    return Response(
        b"".join([head, *blobs]),
        media_type="application/octet-stream",
        headers={"Inference-Header-Content-Length": str(len(head))},
    )


def _flag(of: dict[str, Any], name: str, usual: bool = False) -> bool:
    parameters = of.get("parameters")
    found = parameters.get(name, usual) if isinstance(parameters, dict) else usual
    return found is True
