"""`/api/sets`: pictures for training, uploaded as whole sets or one by one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
)
from starlette.datastructures import UploadFile

from bakeoff.errors import BakeoffError
from bakeoff.said import say
from bakeoff.server.bodies import PROBLEM
from bakeoff.server.home import home_of
from bakeoff.server.images import bytes_of_text
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.memory import Held, cost_of
from bakeoff.server.runs import run_on
from bakeoff.server.sets.store import Sets
from bakeoff.server.sets.summary import PictureInfo, SetSummary
from bakeoff.server.sets.upload import receive

__all__ = ["router"]

router = APIRouter(prefix="/api/sets", tags=["sets"])

MAX_FIELDS = 10
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: PROBLEM | {"description": "The body cannot be read, or a name is invalid."},
    403: PROBLEM | {"description": "Training and sets are disabled on this server."},
    404: PROBLEM | {"description": "There is no such set or picture."},
    409: PROBLEM | {"description": "The set does not allow it; `detail` says what to do."},
}


def _decoded(picture: object) -> object:
    """The bytes in a data URI or in base64."""
    if isinstance(picture, bytes):
        return picture
    with suppress(ValueError):
        if isinstance(picture, str):
            return bytes_of_text(picture)
    raise ValueError("Send the picture as a data URI: data:image/png;base64,…")


class NewPicture(BaseModel):
    """A picture to add to a set."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    label: str
    """The class."""
    group: str | None = None
    """Who drew it, if that matters."""
    picture: Annotated[
        bytes,
        BeforeValidator(_decoded),
        WithJsonSchema({"type": "string", "pattern": "^data:image/[a-z+]+;base64,"}),
    ]
    """The picture as a data URI."""


class PictureForm(BaseModel):
    """A picture to add to a set, as a form."""

    label: str
    group: str | None = None
    file: bytes


class Move(BaseModel):
    """Pictures of a set that get another class."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    pictures: list[str]
    """Their ids."""
    label: str | None
    """The class, new or one of the set; null to let them wait for a label."""


BINARY = {"type": "string", "format": "binary"}
SET_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "files": {"type": "array", "items": BINARY},
                    },
                    "required": ["name", "files"],
                }
            }
        },
    }
}
PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": NewPicture.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "label": {"type": "string"},
                        "group": {"type": "string"},
                        "file": BINARY,
                    },
                    "required": ["label", "file"],
                }
            },
        },
    }
}
AS_PNG: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "image/png": {"schema": BINARY},
            "application/octet-stream": {"schema": BINARY},
        }
    }
}
# Saved, never shown: a browser could take an uploaded file for a page of this server.
AS_FILE = {"content-disposition": "attachment", "content-security-policy": "sandbox"}


@router.get("", responses={403: REFUSALS[403]})
def listed(request: Request) -> list[SetSummary]:
    """The sets on this server, by name."""
    return _sets(request).summaries()


@router.post("", status_code=201, openapi_extra=SET_BODY, responses=REFUSALS)
async def upload(request: Request) -> SetSummary:
    """Upload a set: a zip, a CSV of pixels, an npz, or pictures with file names like CLASS/FILE."""
    sets = _sets(request)
    with await asyncio.to_thread(sets.staging) as staging:
        folder = Path(staging)
        form = await receive(request, folder, request.app.state.bounds.set_files)
        try:
            return await asyncio.to_thread(
                sets.keep, form.fields.get("name", ""), form.files, folder
            )
        except BakeoffError as error:
            raise Problem.because(400, error) from None


@router.get("/{name}", responses=REFUSALS)
def summary(request: Request, name: str) -> SetSummary:
    """One set."""
    return _sets(request).summary(name)


@router.delete("/{name}", status_code=204, response_class=Response, responses=REFUSALS)
def delete(request: Request, name: str) -> None:
    """Delete a set permanently; runs on it keep everything except its pictures."""
    sets = _sets(request)
    path = sets.path_of(name)
    if path is not None and (run := run_on(request, path)) is not None:
        raise Problem(409, say("error.setTrains", run=run, name=name))
    sets.delete(name)


@router.get("/{name}/pictures", responses=REFUSALS)
def pictures(request: Request, name: str) -> list[PictureInfo]:
    """The pictures of a set of class folders."""
    return _sets(request).pictures(name)


@router.post("/{name}/pictures", status_code=201, openapi_extra=PICTURE_BODY, responses=REFUSALS)
async def add(
    request: Request,
    name: str,
    create: Annotated[bool, Query(description="Create the set if there is none.")] = False,
) -> PictureInfo:
    """Add a labelled picture to a set, such as a drawing or a corrected answer.

    The file is kept as it is.
    """
    sets = _sets(request)
    new = await _picture(request)
    held: Held = request.scope["bakeoff.held"]
    bounds: Bounds = request.app.state.bounds
    await held.take(await asyncio.to_thread(cost_of, [("picture", new.picture)], bounds))
    try:
        return await asyncio.to_thread(
            sets.add, name, new.label, new.group, new.picture, create=create
        )
    except BakeoffError as error:
        raise Problem.because(400, error) from None


@router.post("/{name}/move", responses=REFUSALS)
def move(request: Request, name: str, wanted: Move) -> list[PictureInfo]:
    """Give pictures another class, to correct labels or to rename or merge classes.

    The pictures have new ids, which are returned in the given order.
    """
    try:
        return _sets(request).move(name, wanted.pictures, wanted.label)
    except BakeoffError as error:
        raise Problem.because(400, error) from None


@router.get("/{name}/waiting", responses=REFUSALS)
def waiting(request: Request, name: str) -> list[PictureInfo]:
    """The pictures of a set of class folders that wait for a label."""
    return _sets(request).waiting(name)


@router.get("/{name}/pictures/{picture:path}", response_class=Response, responses=REFUSALS | AS_PNG)
def picture(
    request: Request,
    name: str,
    picture: str,
    original: Annotated[bool, Query(description="The file as it was given, to save.")] = False,
) -> Response:
    """One picture, as PNG of at most 512 pixels a side, or the file as it was given."""
    if original:
        data = _sets(request).original(name, picture)
        return Response(data, media_type="application/octet-stream", headers=AS_FILE)
    return Response(_sets(request).picture(name, picture), media_type="image/png")


@router.delete(
    "/{name}/pictures/{picture:path}",
    status_code=204,
    response_class=Response,
    responses=REFUSALS,
)
def remove(request: Request, name: str, picture: str) -> None:
    """Remove a picture."""
    _sets(request).remove(name, picture)


def _sets(request: Request) -> Sets:
    home_of(request)
    sets: Sets = request.app.state.sets
    return sets


async def _picture(request: Request) -> NewPicture:
    """The picture in a form or in JSON."""
    try:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return NewPicture.model_validate_json(await request.body())
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            fields: dict[str, object] = dict(form)
            if isinstance(file := fields.get("file"), UploadFile):
                fields["file"] = await file.read()
            sent = PictureForm.model_validate(fields)
    except ValidationError as error:
        raise Problem.invalid(400, error) from None
    return NewPicture(label=sent.label, group=sent.group, picture=sent.file)
