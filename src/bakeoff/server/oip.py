"""The Open Inference Protocol, version 2, with its extension for binary tensors.

https://github.com/kserve/open-inference-protocol and, for the binary form,
https://docs.nvidia.com/deeplearning/triton-inference-server (protocol, binary tensor data).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bakeoff.bundle.graph import FORMER_OUTPUTS, INPUT, OUTPUTS
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import without_alpha
from bakeoff.server.limits import PROTOCOL, Bounds, Problem
from bakeoff.server.models import BundleQueue, Models
from bakeoff.version import __version__

__all__ = ["router"]

router = APIRouter(prefix=PROTOCOL, tags=["Open Inference Protocol"])

HEADER = "inference-header-content-length"
EXAMPLE = {
    "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [1, 2, 2, 1], "data": [0, 9, 9, 0]}]
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}, "example": EXAMPLE}},
    }
}

Positive = Annotated[int, Field(gt=0)]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True)  # JSON has types of its own: true is not 1


class InputParameters(_Message):
    """Parameters of an input; others are ignored."""

    binary_data_size: int | None = None


class InferInput(_Message):
    """The one input of a model."""

    name: Literal["pixels"]
    datatype: Literal["UINT8"]
    shape: tuple[Positive, Positive, Positive, Literal[1, 2, 3, 4]]
    parameters: InputParameters = InputParameters()
    data: Any = None


class OutputParameters(_Message):
    """Parameters of a requested output; others are ignored."""

    binary_data: bool | None = None


class RequestedOutput(_Message):
    """An output that the client wants."""

    # The last is the former name of the OOD score, which clients may still use.
    name: Literal["probabilities", "ood_score", "embedding", "strangeness"]
    parameters: OutputParameters = OutputParameters()


_EVERY_OUTPUT = [RequestedOutput.model_validate({"name": output}) for output in OUTPUTS]


class RequestParameters(_Message):
    """Parameters of a request; others are ignored."""

    binary_data_output: bool = False


class InferRequest(_Message):
    """The JSON of an inference request."""

    id: str | None = None
    inputs: Annotated[list[InferInput], Field(min_length=1, max_length=1)]
    outputs: list[RequestedOutput] | None = None
    parameters: RequestParameters = RequestParameters()


VERSION = "1"  # every model has one


def _queue(request: Request, name: str, version: str | None = None) -> BundleQueue:
    models: Models = request.app.state.models
    queue = models.queue(name)
    if version not in (None, VERSION):
        raise Problem(
            404, f"{name} has no version {(version or '')[:100]!r}. Its only version is {VERSION}."
        )
    return queue


@router.get("")
def server() -> dict[str, Any]:
    """The server and the protocol extensions that it supports."""
    return {"name": "bakeoff", "version": __version__, "extensions": ["binary_tensor_data"]}


@router.get("/health/live")
def live() -> dict[str, bool]:
    """Whether the server is running."""
    return {"live": True}


@router.get("/health/ready")
def ready() -> dict[str, bool]:
    """Whether every model is ready; models are loaded before the server listens."""
    return {"ready": True}


# A name may contain a slash, so the longer addresses come first: the lowest decorator is.
@router.get("/models/{name:path}/ready")
@router.get("/models/{name:path}/versions/{version}/ready")
def model_ready(request: Request, name: str, version: str | None = None) -> dict[str, Any]:
    """Whether a model is ready."""
    _queue(request, name, version)
    return {"name": name, "ready": True}


@router.post("/models/{name:path}/infer", openapi_extra=BODY)
@router.post("/models/{name:path}/versions/{version}/infer", openapi_extra=BODY)
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """Run a model on `pixels`: UINT8 of batch × height × width × channels, of any size.

    Channels are 1 (grey), 3 (RGB), or 2 or 4 with alpha, which is laid on white.
    """
    queue = _queue(request, name, version)
    bounds: Bounds = request.app.state.bounds
    message, binary = _request(await request.body(), request.headers.get(HEADER))
    pixels = _pixels(message.inputs[0], binary, bounds)
    bundle = queue.bundle
    outcome = await queue.run(Pictures.from_array(without_alpha(pixels)))
    models: Models = request.app.state.models
    models.observe(name, bundle, outcome[1])
    results = dict(zip(FORMER_OUTPUTS, outcome, strict=True))
    return _response(name, message, results | dict(zip(OUTPUTS, outcome, strict=True)))


@router.get("/models/{name:path}")
@router.get("/models/{name:path}/versions/{version}")
def model(request: Request, name: str, version: str | None = None) -> dict[str, Any]:
    """The inputs and outputs of a model."""
    bundle = _queue(request, name, version).bundle
    shapes = {
        "probabilities": [-1, len(bundle.classes)],
        "ood_score": [-1],
        "embedding": [-1, bundle.manifest.embedding],
    }
    return {
        "name": name,
        "versions": [VERSION],
        "platform": "onnx_onnxruntime",
        "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, -1, -1, -1]}],
        "outputs": [
            {"name": output, "datatype": "FP32", "shape": shapes[output]} for output in OUTPUTS
        ],
    }


def _request(body: bytes, header: str | None) -> tuple[InferRequest, bytes]:
    """The JSON at the start of a body, and the binary tensors after it."""
    length = len(body) if header is None else int(header) if header.isdecimal() else -1
    if not 0 <= length <= len(body):
        raise Problem(400, f"{HEADER} is not the length of the JSON in this body.")
    try:
        return InferRequest.model_validate_json(body[:length]), body[length:]
    except ValidationError as error:
        raise Problem.invalid(400, error) from None


def _pixels(tensor: InferInput, binary: bytes, bounds: Bounds) -> NDArray[np.uint8]:
    """N×H×W×C from the data of a tensor."""
    count, height, width, channels = tensor.shape
    if count > bounds.pictures or height * width > bounds.picture_megapixels * 1_000_000:
        raise Problem(
            413,
            f"At most {bounds.pictures} pictures of {bounds.picture_megapixels} megapixels are "
            "allowed. Send fewer or smaller ones.",
        )
    size = count * height * width * channels
    if size > bounds.body_mb * 1_000_000:
        raise Problem(413, f"The pixels exceed {bounds.body_mb} MB. Send fewer pictures.")
    declared = tensor.parameters.binary_data_size
    if declared is not None:
        if not declared == size == len(binary):
            raise Problem(400, "The length of the binary data contradicts the shape.")
        return np.frombuffer(binary, dtype=np.uint8).reshape(tensor.shape)
    try:
        values = np.asarray(tensor.data)
    except ValueError:
        values = np.empty(0)
    if values.dtype.kind not in "iu" or values.size != size:
        raise Problem(400, "The data is not an array of integers with the declared shape.")
    if int(values.min()) < 0 or int(values.max()) > 255:
        raise Problem(400, "The data contains numbers outside 0 to 255.")
    return values.astype(np.uint8).reshape(tensor.shape)


def _response(name: str, request: InferRequest, results: Mapping[str, NDArray[Any]]) -> Response:
    outputs: list[dict[str, Any]] = []
    blobs = []
    for wanted in request.outputs or _EVERY_OUTPUT:
        values = np.ascontiguousarray(results[wanted.name], dtype="<f4")
        output: dict[str, Any] = {
            "name": wanted.name,
            "datatype": "FP32",
            "shape": list(values.shape),
        }
        binary = wanted.parameters.binary_data
        if request.parameters.binary_data_output if binary is None else binary:
            blobs.append(values.tobytes())
            output["parameters"] = {"binary_data_size": values.nbytes}
        else:
            output["data"] = values.reshape(-1).tolist()
        outputs.append(output)
    answer: dict[str, Any] = {"model_name": name, "model_version": VERSION, "outputs": outputs}
    if request.id is not None:
        answer["id"] = request.id
    head = json.dumps(answer).encode()
    if not blobs:
        return Response(head, media_type="application/json")
    return Response(
        b"".join([head, *blobs]),
        media_type="application/octet-stream",
        headers={"Inference-Header-Content-Length": str(len(head))},
    )
