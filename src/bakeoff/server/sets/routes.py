"""`/api/sets`: pictures to train on, uploaded whole or kept one by one."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile

from bakeoff.errors import BakeoffError
from bakeoff.server.bodies import PROBLEM
from bakeoff.server.home import home_of
from bakeoff.server.limits import Problem
from bakeoff.server.sets.folder import PictureInfo, Sets, SetSummary
from bakeoff.server.sets.upload import receive

__all__ = ["router"]

router = APIRouter(prefix="/api/sets", tags=["sets"])

FIELDS = 10
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: PROBLEM | {"description": "It cannot be read, or a name does not fit."},
    403: PROBLEM | {"description": "Training and sets are off on this server."},
    404: PROBLEM | {"description": "There is no such set or picture."},
    409: PROBLEM | {"description": "It can not be done; `detail` says what to do first."},
}


class NewPicture(BaseModel):
    """A picture to keep: its class, who drew it if that matters, and a data URI."""

    label: str
    group: str | None = None
    picture: Annotated[str, Field(pattern="^data:image/[a-z+]+;base64,")]


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
AS_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {"schema": BINARY}}}}


@router.get("", responses={403: REFUSALS[403]})
def listed(request: Request) -> list[SetSummary]:
    """The sets that are kept here, by name."""
    return _sets(request).summaries()


@router.post("", status_code=201, openapi_extra=SET_BODY, responses=REFUSALS)
async def upload(request: Request) -> SetSummary:
    """Keep a set: a zip, a CSV of pixels, an npz, or pictures whose file names say CLASS/FILE."""
    sets = _sets(request)
    with await asyncio.to_thread(sets.staging) as staging:
        folder = Path(staging)
        found = await receive(request, folder, request.app.state.bounds.set_files)
        try:
            return await asyncio.to_thread(
                sets.keep, found.fields.get("name", ""), found.files, folder
            )
        except BakeoffError as error:
            raise Problem(400, str(error)) from None


@router.get("/{name}", responses=REFUSALS)
def summary(request: Request, name: str) -> SetSummary:
    """One set."""
    return _sets(request).summary(name)


@router.delete("/{name}", status_code=204, response_class=Response, responses=REFUSALS)
def delete(request: Request, name: str) -> None:
    """Delete a set for ever; runs on it keep all but their pictures."""
    _sets(request).delete(name)


@router.get("/{name}/pictures", responses=REFUSALS)
def pictures(request: Request, name: str) -> list[PictureInfo]:
    """The pictures of a set of class folders."""
    return _sets(request).pictures(name)


@router.post("/{name}/pictures", status_code=201, openapi_extra=PICTURE_BODY, responses=REFUSALS)
async def add(
    request: Request,
    name: str,
    create: Annotated[bool, Query(description="Make the set if there is none.")] = False,
) -> PictureInfo:
    """Keep a labelled picture in a set: one that was drawn, or whose answer was corrected."""
    sets = _sets(request)
    label, group, data = await _picture(request)
    try:
        return await asyncio.to_thread(sets.add, name, label, group, data, create=create)
    except BakeoffError as error:
        raise Problem(400, str(error)) from None


@router.get("/{name}/pictures/{picture:path}", response_class=Response, responses=REFUSALS | AS_PNG)
def picture(request: Request, name: str, picture: str) -> Response:
    """One picture, as PNG."""
    return Response(_sets(request).picture(name, picture), media_type="image/png")


@router.delete(
    "/{name}/pictures/{picture:path}",
    status_code=204,
    response_class=Response,
    responses=REFUSALS,
)
def remove(request: Request, name: str, picture: str) -> None:
    """Take a picture out again."""
    _sets(request).remove(name, picture)


def _sets(request: Request) -> Sets:
    home_of(request)
    sets: Sets = request.app.state.sets
    return sets


async def _picture(request: Request) -> tuple[str, str | None, bytes]:
    """Class, group and bytes of a picture, from a form or from JSON."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=FIELDS) as form:
            file, label, group = form.get("file"), form.get("label"), form.get("group")
            if not isinstance(file, UploadFile) or not isinstance(label, str):
                raise Problem(400, "The form wants a label and a file.")
            return label, group if isinstance(group, str) else None, await file.read()
    try:
        given = NewPicture.model_validate_json(await request.body())
        data = b64decode(given.picture.partition(",")[2], validate=True)
    except (ValidationError, binascii.Error):
        raise Problem(
            400, "The JSON wants a label and a picture as a data URI: data:image/png;base64,…"
        ) from None
    return given.label, given.group, data
