"""The pictures in the body of a request, in any of the supported forms."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.datastructures import UploadFile
from starlette.requests import Request

from bakeoff.bundle.inputs import (
    Effort,
    InputLimits,
    Inputs,
    folder_of,
    from_bytes,
    gather,
    joined_inputs,
)
from bakeoff.data.decode import Limits, is_picture
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.said import say
from bakeoff.server.images import DATA_URL, bytes_of_text
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.memory import Held, cost_of

__all__ = ["BODY", "REFUSALS", "picture_of", "pictures_of"]

MAX_NAME, MAX_PARTS = 200, 8  # characters and parts of a path that is shown
MAX_FIELDS = 20  # of a form besides its files; they are ignored
SMALL = InputLimits(picture=Limits(max_bytes=16_384, max_pixels=128 * 128))


class PixelBody(BaseModel):
    """A picture as JSON."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    pixels: list[Any]
    """Height × width numbers, or × 3 for RGB, or × 2 or 4 with alpha: from 0 to 255, or to 1."""


class ImageBody(BaseModel):
    """Picture files as JSON."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    image: str | list[str]
    """A data URL (data:image/png;base64,…) or base64 of a file, or several."""


JsonBody = PixelBody | ImageBody | list[Any]
JSON_BODY: TypeAdapter[JsonBody] = TypeAdapter(JsonBody)

# The documentation of such a request and of its errors in OpenAPI.
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
                "schema": {"anyOf": [PixelBody.model_json_schema(), ImageBody.model_json_schema()]},
                "example": {
                    "pixels": [[0, 0, 0, 0], [0, 255, 255, 0], [0, 255, 255, 0], [0, 0, 0, 0]]
                },
            },
        },
    }
}
_BODY = {
    "type": "object",
    "properties": {
        "detail": {"type": "string"},
        "said": {"$ref": "#/components/schemas/Message"},
    },
    "required": ["detail"],
}
PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {"schema": _BODY}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: PROBLEM | {"description": "The body has no readable picture."},
    404: PROBLEM | {"description": "There is no such model."},
    409: PROBLEM | {"description": "No model is loaded yet."},
    413: PROBLEM | {"description": "The body exceeds a limit of the server."},
    503: PROBLEM | {"description": "The queue is full; Retry-After says when to retry."},
}


async def pictures_of(request: Request) -> Inputs:
    """Decode the pictures in a request within the server's limits; in a thread unless small.

    Raises
    ------
    Problem
        400 if nothing can be read, 413 if it is too much.
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
            held: Held = request.scope["bakeoff.held"]
            await held.take(await anyio.to_thread.run_sync(cost_of, files, bounds))
            inputs = await anyio.to_thread.run_sync(_decoded, files, bounds.inputs)
            held.keep(inputs.pictures.nbytes)
    except BakeoffError as error:
        raise Problem.because(400, error) from None
    if len(inputs.pictures) > bounds.pictures:
        raise Problem(
            413,
            say("error.manyPictures", n=len(inputs.pictures), most=bounds.pictures),
        )
    return inputs


async def picture_of(request: Request) -> NDArray[np.uint8]:
    """The one picture in a request, H×W×C.

    Raises
    ------
    Problem
        As `pictures_of`, and 400 if there are several.
    """
    inputs = await pictures_of(request)
    if len(inputs.pictures) != 1:
        raise Problem(400, say("error.onePicture", n=len(inputs.pictures)))
    return np.array(inputs.pictures[0])


async def _files(request: Request, bounds: Bounds) -> list[tuple[str, bytes]]:
    """Path and bytes of every file of a form; the path is only shown in the response."""
    async with request.form(max_files=bounds.files, max_fields=MAX_FIELDS) as form:
        files = [
            (_shown(part.filename), await part.read())
            if isinstance(part, UploadFile)
            else ("picture", part.encode())
            for _, part in form.multi_items()
            if isinstance(part, UploadFile) or DATA_URL.match(part)
        ]
    if not files:
        raise BakeoffError("the form", "contains no files", "Send pictures as its files")
    return files


def _at_once(files: list[tuple[str, bytes]]) -> Inputs | None:
    """Decode a single small picture, which is faster than waking a thread; otherwise None."""
    if len(files) != 1 or len(files[0][1]) > SMALL.picture.max_bytes:
        return None
    _, data = files[0]
    try:
        return _decoded(files, SMALL) if is_picture(data) else None
    except BakeoffError:
        return None  # too large or broken: the general path reports it


def _decoded(files: list[tuple[str, bytes]], limits: InputLimits) -> Inputs:
    parts = []
    effort = Effort(limits)
    for path, data in files:
        name = path.rpartition("/")[2]
        try:
            effort.check(name)
        except BakeoffError as error:
            inputs = Inputs((), Pictures.none(), (LeftOut.because(error),))
            parts.append((folder_of(path, inputs), inputs))
            continue
        if _is_json(data):
            inputs = _from_json(data, limits)
        elif DATA_URL.match(data[:MAX_NAME].decode("latin-1")):
            inputs = _from_text(data.decode("latin-1"), name, limits)
        else:
            inputs = from_bytes(data, name, limits, effort)
        parts.append((folder_of(path, inputs), inputs))
    return joined_inputs(parts)


def _is_json(data: bytes) -> bool:
    return data[:64].lstrip()[:1] in (b"{", b"[")


def _from_json(data: bytes, limits: InputLimits) -> Inputs:
    try:
        body = JSON_BODY.validate_json(data)
    except ValueError:  # pydantic's
        raise _no_pixels() from None
    if isinstance(body, ImageBody):
        images = [body.image] if isinstance(body.image, str) else body.image
        names = ["picture"] if len(images) == 1 else [f"image[{n}]" for n in range(len(images))]
        texts = zip(names, images, strict=True)
        return joined_inputs([("", _from_text(text, name, limits)) for name, text in texts])
    try:
        array = np.asarray(body.pixels if isinstance(body, PixelBody) else body)
    except ValueError:  # rows of different lengths
        raise _no_pixels() from None
    if array.dtype.kind not in "buif" or array.ndim < 2:
        raise _no_pixels()
    return gather(array, limits=limits)


def _from_text(text: str, name: str, limits: InputLimits) -> Inputs:
    try:
        data = bytes_of_text(text)
    except ValueError as error:
        raise BakeoffError(
            name, str(error), 'Send {"image": "data:image/png;base64,…"}, or the file itself'
        ) from None
    return from_bytes(data, name, limits)


def _no_pixels() -> BakeoffError:
    return BakeoffError(
        "the JSON",
        "does not contain pixels as rows of numbers",
        'Send {"pixels": [[0, 255], [255, 0]]}, height × width, or × 3 for colour, or '
        '{"image": "data:image/png;base64,…"}',
    )


def _shown(path: str | None) -> str:
    """A path as text: relative, without unprintable characters, of limited length."""
    text = "".join(char for char in path or "" if char.isprintable()).replace("\\", "/")
    parts = [part[-MAX_NAME:] for part in text.split("/") if part.strip(". ")]
    return "/".join(parts[-MAX_PARTS:]) or "picture"
