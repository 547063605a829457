"""Bounds on what a stranger may send, and the form in which a refusal is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.bundle.inputs import InputLimits
from bakeoff.data.archive import ArchiveLimits
from bakeoff.data.decode import Limits
from bakeoff.data.readers.lines import TableLimits
from bakeoff.errors import BakeoffError

__all__ = ["BodyLimit", "Bounds", "Problem"]

MB = 1_000_000
SETS = "/api/sets"  # where whole sets are sent


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """A refusal, told as problem+json (RFC 9457).

    Parameters
    ----------
    status : of HTTP, 4xx or 503.
    detail : what is wrong, the bound if there is one, and the mend.
    headers : to go with it, such as Retry-After.
    lists : the address that lists what there is, where something else was asked for. For programs;
        a person is told by the page where to go.
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
        self.extensions = {} if lists is None else {"lists": lists}

    @classmethod
    def of(cls, error: HTTPException) -> Problem:
        """What Starlette refused by itself."""
        detail = "There is nothing at this address" if error.status_code == 404 else error.detail
        return cls(error.status_code, f"{detail}.", error.headers)

    def response(self) -> JSONResponse:
        """The whole answer."""
        return JSONResponse(
            {
                "type": "about:blank",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
                **self.extensions,
            },
            self.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one request may take. Each can be set with ``--bound NAME=NUMBER``.

    Attributes
    ----------
    body_mb : of a whole request.
    files : in a request of several parts.
    pictures : in a request, over all files.
    picture_megapixels : of one picture, before it is shrunk.
    unpacked_mb : of a zip.
    members : in a zip.
    body_seconds : until the whole body must be here.
    waiting : pictures that wait for a model; what comes beyond is refused with 503.
    set_mb : of an uploaded set; an archive may unpack to four times as much.
    set_files : in a set.
    set_seconds : until a whole set must be here.
    """

    body_mb: int = 20
    files: int = 200
    pictures: int = 2_000
    picture_megapixels: int = 25
    unpacked_mb: int = 200
    members: int = 2_000
    body_seconds: int = 30
    waiting: int = 4_000
    set_mb: int = 500
    set_files: int = 20_000
    set_seconds: int = 600

    @classmethod
    def of(cls, texts: list[str]) -> Bounds:
        """Bounds from ``NAME=NUMBER``; those not named are as usual.

        Raises
        ------
        BakeoffError
            There is no such bound, or it is no number above 0.
        """
        names = [field.name for field in fields(cls)]
        values: dict[str, int] = {}
        for text in texts:
            name, _, number = text.partition("=")
            if name not in names:
                raise BakeoffError(
                    f"--bound {text}", "is not known", f"The bounds are {', '.join(names)}"
                )
            if not number.isdecimal() or int(number) < 1:
                raise BakeoffError(f"--bound {text}", "is no number above 0", f"Say {name}=10")
            values[name] = int(number)
        return cls(**values)

    @property
    def inputs(self) -> InputLimits:
        """The same bounds for what decodes."""
        return InputLimits(
            picture=Limits(max_bytes=self.body_mb * MB, max_pixels=self.picture_megapixels * MB),
            archive=ArchiveLimits(
                max_members=self.members, max_bytes=self.unpacked_mb * MB, ratio_from=MB
            ),
            table=TableLimits(
                max_bytes=self.unpacked_mb * MB,
                max_line_bytes=self.body_mb * MB,
                max_matrix_bytes=self.body_mb * MB,
            ),
        )

    @property
    def set_archive(self) -> ArchiveLimits:
        """The same bounds for what unpacks a set."""
        return ArchiveLimits(max_members=self.set_files, max_bytes=4 * self.set_mb * MB)

    def of_body(self, method: str, path: str) -> tuple[int, int]:
        """Megabytes and seconds that the body of a request may take."""
        if method == "POST" and path == SETS:
            return self.set_mb, self.set_seconds
        return self.body_mb, self.body_seconds


class BodyLimit:
    """Middleware: a body that is too large, or too slow to come, is refused while it comes."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        megabytes, seconds = self.bounds.of_body(scope["method"], scope["path"])
        most = megabytes * MB
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await self._too_large(megabytes).response()(scope, receive, send)
            return
        until = time.monotonic() + seconds
        seen, complete = 0, False

        async def bounded() -> Message:
            nonlocal seen, complete
            if complete:
                return await receive()  # waits for the client to go away
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise Problem(
                    408,
                    f"The body took longer than {seconds} seconds. "
                    "Send less at once, or over a faster line.",
                    {"Connection": "close"},
                ) from None
            seen += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if seen > most:
                raise self._too_large(megabytes)
            return message

        await self.app(scope, bounded, send)

    @staticmethod
    def _too_large(megabytes: int) -> Problem:
        return Problem(
            413,
            f"The body is larger than {megabytes} MB. Send fewer or smaller pictures.",
            {"Connection": "close"},
        )
