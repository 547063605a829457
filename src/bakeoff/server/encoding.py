"""Request bodies that clients send compressed."""

from __future__ import annotations

import zlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.server.limits import MB, Bounds, Problem

__all__ = ["UnpackBody"]

PLAIN = ("", "identity")
PACKED = ("gzip", "x-gzip", "deflate")
MOST = 3  # encodings of one body, each unpacked as it arrives
GZIP_OR_ZLIB, RAW = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class UnpackBody:
    """Middleware that unpacks gzip and deflate while the body arrives, within the same limits.

    Other encodings are refused with status 415 and a header that lists these two (RFC 9110).
    """

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = [value for name, value in scope["headers"] if name == b"content-encoding"]
        encodings = [
            text.strip() for text in b",".join(stated).decode("latin-1").lower().split(",")
        ]
        encodings = [encoding for encoding in encodings if encoding not in PLAIN]
        if not encodings:
            await self.app(scope, receive, send)
            return
        if len(encodings) > MOST or not set(encodings) <= set(PACKED):
            problem = Problem(
                415,
                f"The body is encoded as {', '.join(encodings)[:100]}. "
                "Send it as it is, or with Content-Encoding gzip or deflate.",
                {"Accept-Encoding": "gzip, deflate"},
            )
            await problem.response(scope["path"])(scope, receive, send)
            return
        megabytes, _ = self.bounds.of_body(scope["method"], scope["path"])
        layers = [_Layer(megabytes) for _ in encodings]

        async def unpacked() -> Message:
            message = await receive()
            if message["type"] != "http.request":
                return message
            body = message.get("body", b"")
            for layer in layers:
                body = layer.unpack(body)
            if not message.get("more_body", False):
                for layer in layers:
                    layer.end()
            return {**message, "body": body}

        gone = (b"content-encoding", b"content-length")  # of the body as it was sent
        headers = [header for header in scope["headers"] if header[0] not in gone]
        await self.app({**scope, "headers": headers}, unpacked, send)


class _Layer:
    """One encoding; the result may have at most `megabytes`."""

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._left = megabytes * MB
        self._decoder = zlib.decompressobj(GZIP_OR_ZLIB)
        self._begun = False

    def unpack(self, data: bytes) -> bytes:
        """What these bytes add to the body.

        Raises
        ------
        Problem
            400 if they are not what they should be, 413 if they unpack to too much.
        """
        parts = []
        while data:
            if self._decoder.eof:  # gzip files may follow each other
                self._decoder = zlib.decompressobj(GZIP_OR_ZLIB)
            try:
                part = self._decoder.decompress(data, self._left + 1)
            except zlib.error as error:
                if self._begun:
                    raise _damaged() from error
                # Some clients send deflate without the header of zlib.
                self._decoder, self._begun = zlib.decompressobj(RAW), True
                continue
            self._begun = True
            parts.append(part)
            self._left -= len(part)
            if self._left < 0:
                raise Problem(
                    413,
                    f"The body unpacks to more than {self._megabytes} MB. "
                    "Send fewer or smaller pictures.",
                    {"Connection": "close"},
                )
            data = self._decoder.unused_data
        return b"".join(parts)

    def end(self) -> None:
        """Refuse a body that was cut short."""
        if not self._decoder.eof:
            raise _damaged()


def _damaged() -> Problem:
    return Problem(
        400, "The body is not what its Content-Encoding says, or is cut short. Send it again."
    )
