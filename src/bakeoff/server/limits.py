"""Limits on requests from untrusted clients, and the form of error responses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, PositiveInt, ValidationError
from pydantic.dataclasses import dataclass
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.bundle.inputs import InputLimits
from bakeoff.data.archive import ArchiveLimits
from bakeoff.data.decode import Limits
from bakeoff.data.readers.lines import TableLimits
from bakeoff.errors import BakeoffError, UnknownFormatError
from bakeoff.said import Said, say

__all__ = ["MB", "OPEN", "PROTOCOL", "SETS", "BodyLimit", "Bounds", "Problem", "RequestLimit"]

MB = 1_000_000
SETS = "/api/sets"  # receives whole sets
PROTOCOL = "/v2"  # the Open Inference Protocol
OPEN = ("/healthz", "/v2/health/live", "/v2/health/ready")  # for health probes: always answered
REQUESTS = 1_000  # in progress
LINE_BYTES = 4 * MB  # of a table; 512×512 pixels in colour take 3 MB
# A refused body is read on, as nginx's `lingering_close` does: a socket that is closed with unread
# bytes is reset, and Firefox then shows no answer. Seconds in all, and without a byte.
DRAIN_SECONDS = 20.0
SILENT_SECONDS = 2.0


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """An error response in the form of problem+json (RFC 9457).

    Parameters
    ----------
    status : of HTTP, 4xx or 503.
    detail : the problem, the limit if there is one, and a hint, in whole sentences; the response
        has its message as `said`, if it has one, for readers of other languages.
    headers : of the response, such as Retry-After.
    lists : for an unknown name, the path that lists the known ones, for programs.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        lists: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.extensions: dict[str, Any] = {} if lists is None else {"lists": lists}
        if isinstance(detail, Said):
            self.extensions["said"] = asdict(detail.message)

    @classmethod
    def because(cls, status: int, error: Exception) -> Problem:
        """The response to an error that the reader can fix."""
        problem = cls(status, error.whole if isinstance(error, BakeoffError) else str(error))
        if isinstance(error, UnknownFormatError):
            problem.extensions["formats"] = error.formats
        return problem

    @classmethod
    def of(cls, error: HTTPException) -> Problem:
        """An error that Starlette raised itself."""
        detail = "There is nothing at this address" if error.status_code == 404 else error.detail
        return cls(error.status_code, f"{detail}.", error.headers)

    @classmethod
    def invalid(cls, status: int, error: ValidationError | RequestValidationError) -> Problem:
        """The first error that pydantic found in a request."""
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        return cls(status, f"{place}: {message}." if place else f"{message}.")

    def response(self, path: str) -> JSONResponse:
        """The HTTP response to a request for `path`."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
        }
        media_type = "application/problem+json"
        if path == PROTOCOL or path.startswith(f"{PROTOCOL}/"):
            # Its clients read this field, and only from plain JSON.
            body, media_type = {"error": self.detail, **body}, "application/json"
        return JSONResponse(body, self.status, headers=self.headers, media_type=media_type)


@dataclass(config=ConfigDict(extra="forbid"), frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits on one request. Each can be set with ``--bound NAME=NUMBER``.

    Attributes
    ----------
    body_mb : size of a request.
    files : in a request of several parts.
    pictures : in a request, over all files.
    picture_megapixels : of one picture, before it is shrunk.
    unpacked_mb : size of an unpacked zip, and of all pictures of a request when decoded.
    members : files in a zip.
    body_seconds : time until the whole body must have arrived.
    decode_seconds : CPU time to decode the pictures of a request; those left are left out.
    memory_mb : for the bodies and pictures of all requests together; the next ones wait.
    waiting : pictures in the queue of a model; requests beyond it get status 503.
    answer_seconds : time of one batch in a model, which is then stopped.
    set_mb : size of an uploaded set; an archive may unpack to four times as much.
    set_files : files in a set.
    set_seconds : time until a whole set must have arrived.
    """

    body_mb: PositiveInt = 20
    files: PositiveInt = 200
    pictures: PositiveInt = 2_000
    picture_megapixels: PositiveInt = 25
    unpacked_mb: PositiveInt = 200
    members: PositiveInt = 2_000
    body_seconds: PositiveInt = 30
    decode_seconds: PositiveInt = 20
    memory_mb: PositiveInt = 1_000
    waiting: PositiveInt = 4_000
    answer_seconds: PositiveInt = 60
    set_mb: PositiveInt = 500
    set_files: PositiveInt = 20_000
    set_seconds: PositiveInt = 600

    @classmethod
    def of(cls, texts: list[str]) -> Bounds:
        """Bounds from texts like ``NAME=NUMBER``; the others keep their defaults.

        Raises
        ------
        BakeoffError
            There is no such bound, or its value is no positive integer.
        """
        values: dict[str, Any] = dict(text.partition("=")[::2] for text in texts)
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
        name = str(first["loc"][0])
        known = [field.name for field in fields(cls)]
        if name not in known:
            raise BakeoffError(
                f"--bound {name}", "is not known", f"The bounds are {', '.join(known)}"
            )
        raise BakeoffError(
            f"--bound {name}={values[name]}", "is not a positive integer", f"Use {name}=10"
        )

    @property
    def inputs(self) -> InputLimits:
        """The limits in the form that decoding takes."""
        return InputLimits(
            picture=Limits(max_bytes=self.body_mb * MB, max_pixels=self.picture_megapixels * MB),
            archive=ArchiveLimits(
                max_members=self.members, max_bytes=self.unpacked_mb * MB, ratio_from=MB
            ),
            table=TableLimits(
                max_bytes=self.unpacked_mb * MB,
                max_line_bytes=min(self.body_mb * MB, LINE_BYTES),
                max_matrix_bytes=self.body_mb * MB,
            ),
            max_bytes=self.unpacked_mb * MB,
            cpu_seconds=self.decode_seconds,
        )

    @property
    def set_archive(self) -> ArchiveLimits:
        """The limits in the form that unpacking a set takes."""
        return ArchiveLimits(max_members=self.set_files, max_bytes=4 * self.set_mb * MB)

    def of_body(self, method: str, path: str) -> tuple[int, int]:
        """The maximum megabytes and seconds for the body of a request."""
        if method == "POST" and path == SETS:
            return self.set_mb, self.set_seconds
        return self.body_mb, self.body_seconds


class RequestLimit:
    """Middleware that refuses requests while too many are in progress, but never a health check."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.most = REQUESTS
        self.now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        if self.now >= self.most:
            problem = Problem(
                503,
                say("error.busy", n=self.now),
                {"Retry-After": "1"},
            )
            await problem.response(scope["path"])(scope, receive, send)
            return
        self.now += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.now -= 1


class BodyLimit:
    """Middleware that refuses a body that is too large or too slow, while it arrives."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        megabytes, seconds = self.bounds.of_body(scope["method"], scope["path"])
        max_bytes = megabytes * MB
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > max_bytes:
            refusal = self._too_large(megabytes).response(scope["path"])
            await refusal(scope, receive, _kept_open(send))
            await _drain(receive)
            await send({"type": "http.response.body"})
            return
        until = time.monotonic() + seconds
        received, complete = 0, False

        async def bounded() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()  # waits for the client to disconnect
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise Problem(
                    408,
                    f"The body took longer than {seconds} seconds. "
                    "Send less at once, or over a faster connection.",
                    {"Connection": "close"},
                ) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > max_bytes:
                raise self._too_large(megabytes)
            return message

        await self.app(scope, bounded, send)

    @staticmethod
    def _too_large(megabytes: int) -> Problem:
        return Problem(
            413,
            say("error.bodySize", n=megabytes),
            {"Connection": "close"},
        )


def _kept_open(send: Send) -> Send:
    """Send a whole response, but do not end it."""

    async def sending(message: Message) -> None:
        body = message["type"] == "http.response.body"
        await send({**message, "more_body": True} if body else message)

    return sending


async def _drain(receive: Receive) -> None:
    """Read the rest of a body and drop it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            more = True
            while more:
                async with asyncio.timeout(SILENT_SECONDS):
                    more = (await receive()).get("more_body", False)
