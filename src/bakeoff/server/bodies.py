"""The pictures in the body of a request, whatever form it has."""

from __future__ import annotations

import json
from typing import Any

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.requests import Request

from bakeoff.bundle.inputs import InputLimits, Inputs, from_bytes, gather, joined_inputs
from bakeoff.data.decode import Limits, is_picture
from bakeoff.errors import BakeoffError
from bakeoff.server.limits import Bounds, Problem

__all__ = ["BODY", "REFUSALS", "picture_of", "pictures_of"]

FIELDS = 20  # of a form that are no files, and so of no use
SMALL = InputLimits(picture=Limits(max_bytes=16_384, max_pixels=128 * 128))

# What OpenAPI says of such a request, and of how it may be refused.
PICTURE = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                    "required": ["files"],
                }
            },
            "image/png": PICTURE,
            "image/jpeg": PICTURE,
            "application/zip": PICTURE,
            "text/csv": {
                "schema": {"type": "string"},
                "example": "0,0,0,0\n0,255,255,0\n0,255,255,0\n0,0,0,0\n",
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"pixels": {"type": "array", "items": {}}},
                    "required": ["pixels"],
                },
                "example": {
                    "pixels": [[0, 0, 0, 0], [0, 255, 255, 0], [0, 255, 255, 0], [0, 0, 0, 0]]
                },
            },
        },
    }
}
PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: PROBLEM | {"description": "No picture in it can be read."},
    404: PROBLEM | {"description": "There is no such model."},
    409: PROBLEM | {"description": "No model is served yet."},
    413: PROBLEM | {"description": "Larger than the server takes."},
    503: PROBLEM | {"description": "Too many are in line; Retry-After says when to come again."},
}


async def pictures_of(request: Request) -> Inputs:
    """The pictures in a request, decoded within bounds; off the event loop unless they are small.

    Raises
    ------
    Problem
        400 where nothing can be read, 413 where it is too much.
    """
    bounds: Bounds = request.app.state.bounds
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            files = await _files(request, bounds)
        else:
            files = [("picture", await request.body())]
        inputs = _at_once(files)
        if inputs is None:
            inputs = await anyio.to_thread.run_sync(_decoded, files, bounds.inputs)
    except BakeoffError as error:
        raise Problem(400, str(error)) from None
    if len(inputs.pictures) > bounds.pictures:
        raise Problem(
            413,
            f"There are {len(inputs.pictures)} pictures, and {bounds.pictures} at once are the "
            "most. Send them in several requests.",
        )
    return inputs


async def picture_of(request: Request) -> NDArray[np.uint8]:
    """The one picture in a request, H×W×C.

    Raises
    ------
    Problem
        As `pictures_of`, and 400 where there are several.
    """
    inputs = await pictures_of(request)
    if len(inputs.pictures) != 1:
        raise Problem(400, f"There are {len(inputs.pictures)} pictures. Send one.")
    return np.array(inputs.pictures[0])


async def _files(request: Request, bounds: Bounds) -> list[tuple[str, bytes]]:
    """Name and bytes of every file of a form; the name is for the answer alone."""
    async with request.form(max_files=bounds.files, max_fields=FIELDS) as form:
        parts = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        files = [(_shown(one.filename), await one.read()) for one in parts]
    if not files:
        raise BakeoffError("the form", "holds no file", "Send pictures as its files")
    return files


def _at_once(files: list[tuple[str, bytes]]) -> Inputs | None:
    """A small picture, decoded in less time than a thread takes to be woken; None if it is none."""
    if len(files) != 1 or len(files[0][1]) > SMALL.picture.max_bytes:
        return None
    name, data = files[0]
    try:
        return from_bytes(data, name, SMALL) if is_picture(data) else None
    except BakeoffError:
        return None  # too large once decoded, or broken: the slow road says which


def _decoded(files: list[tuple[str, bytes]], limits: InputLimits) -> Inputs:
    return joined_inputs(
        [
            _pixels(data) if _is_json(data) else from_bytes(data, name, limits)
            for name, data in files
        ]
    )


def _is_json(data: bytes) -> bool:
    return data[:64].lstrip()[:1] in (b"{", b"[")


def _pixels(data: bytes) -> Inputs:
    try:
        found = json.loads(data)
        pixels = found["pixels"] if isinstance(found, dict) else found
        array = np.asarray(pixels)
    except (ValueError, KeyError, RecursionError):
        array = np.empty(0)
    if array.dtype.kind not in "buif" or array.ndim < 2:
        raise BakeoffError(
            "the JSON",
            "does not hold pixels as rows of numbers",
            'Send {"pixels": [[0, 255], [255, 0]]}, height × width, or × 3 for colour',
        )
    return gather(array)


def _shown(name: str | None) -> str:
    """A file's name as its owner knows it: its last part, printable, of bounded length."""
    last = (name or "picture").replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:200] or "picture"
