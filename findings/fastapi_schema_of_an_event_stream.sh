#!/usr/bin/env bash
# FastAPI describes a response model of a stream as a string that must be an object, too.
#
# A route whose response_class has the media type text/event-stream may say with
# responses={200: {"model": Event}} what its events look like. FastAPI 0.165.0 merges that model's
# schema into {"type": "string"}, its default for media types other than JSON. For a union of
# models the result is {"type": "string", "oneOf": [...objects...]}, which no value satisfies, and
# openapi-typescript makes `string & (A | B)` of it. The components are right: refer to them instead.
#
# Output seen (titles and mapping left out):
#   0.165.0 {'oneOf': [{'$ref': '#/components/schemas/Begun'},
#            {'$ref': '#/components/schemas/Ended'}], 'type': 'string', ...}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastapi==0.165.0
"$folder/venv/bin/python" - <<'PROGRAM'
from typing import Annotated, Literal

import fastapi
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field


class Begun(BaseModel):
    event: Literal["begun"] = "begun"


class Ended(BaseModel):
    event: Literal["ended"] = "ended"


class Stream(StreamingResponse):
    media_type = "text/event-stream"


app = FastAPI()
Event = Annotated[Begun | Ended, Field(discriminator="event")]


@app.get("/events", response_class=Stream, responses={200: {"model": Event}})
def events() -> Stream:
    return Stream(iter(()))


content = app.openapi()["paths"]["/events"]["get"]["responses"]["200"]["content"]
schema = content["text/event-stream"]["schema"]
print(fastapi.__version__, schema)
assert schema["type"] == "string"
assert {part["$ref"].rpartition("/")[2] for part in schema["oneOf"]} == {"Begun", "Ended"}
assert app.openapi()["components"]["schemas"]["Begun"]["type"] == "object"
PROGRAM
