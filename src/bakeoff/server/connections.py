"""Connections of clients that are silent, slow, or never stop sending headers."""

from __future__ import annotations

import json
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from itertools import count
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol", "server_for"]

GRACE = 20  # seconds for what is in flight when the server is told to stop

HEAD_BYTES = 65_536  # of a request line and its headers
HEAD_LINES = 100
HEAD_SECONDS = 10.0
CONNECTIONS = 800  # in all; many systems give a process 1 024 files
FROM_ONE = 256  # address; a school behind one router needs about 200


def server_for(application: FastAPI, host: str, port: int) -> uvicorn.Server:
    """A server that the application can ask whether it is about to end."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        http=BoundedProtocol,
        ws="none",
    )
    server = uvicorn.Server(config)
    application.state.ending = lambda: server.should_exit
    return server


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 in which what comes before a body is bounded in bytes, lines and seconds.

    The parser joins the pieces of a header as they arrive, so that an endless one would keep the
    server busy for ever longer. Beyond `CONNECTIONS`, a new one takes the place of the one
    that has been without a request the longest; those with a request are left alone. So silent
    clients cannot keep others out.
    """

    _numbers = count()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        self._waiting_since = next(self._numbers)  # the order, not the time
        self._unread = 0  # bytes since the last that belonged to a body, or ended headers
        self._lines = 0
        self._late: TimerHandle | None = None
        super().connection_made(transport)
        self._expect_head()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or was told to."""
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes have arrived: a part of a head, of a body, or several of either."""
        if self._late is None and not self._busy:
            self._expect_head()
        view = memoryview(data)
        while view and not self.transport.is_closing():
            room = HEAD_BYTES - self._unread
            if room <= 0:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"The headers have more than {HEAD_BYTES // 1024} KB. Send fewer.",
                )
                return
            part, view = view[:room], view[room:]
            self._unread += len(part)
            super().data_received(bytes(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is complete."""
        self._lines += 1
        if self._lines > HEAD_LINES:
            raise ValueError  # the parser stops; `send_400_response` is next
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        self._unread = self._lines = 0
        self._head_is_here()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body has arrived."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._unread = self._lines = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered."""
        self._waiting_since = next(self._numbers)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the base class calls it
        """Refuse what the parser does not understand."""
        if self._lines > HEAD_LINES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"There are more than {HEAD_LINES} headers. Send fewer.",
            )
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is not an HTTP request.")

    @property
    def _busy(self) -> bool:
        """Whether a request has no complete answer yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._end_slow)

    def _head_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end_slow(self) -> None:
        if self._unread:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The headers took longer than {HEAD_SECONDS:g} seconds. Send them at once.",
            )
        else:
            self.transport.close()

    def _make_room(self) -> None:
        """End the connection that has waited the longest, if there are too many."""
        others: set[Any] = self.connections - {self}
        address = self.client and self.client[0]
        same = {other for other in others if other.client and other.client[0] == address}
        for them, most in ((same, FROM_ONE), (others, CONNECTIONS)):
            waiting = [one for one in them if isinstance(one, BoundedProtocol) and not one._busy]
            if len(them) >= most and waiting:
                min(waiting, key=lambda one: one._waiting_since).transport.abort()
                return

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with problem+json (RFC 9457), as the application does, and end the connection."""
        if self.transport.is_closing():
            return
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
        }
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Content-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        if not (self._busy and self.cycle.response_started):  # else it would be in the middle of it
            self.transport.write(head.encode() + body)
        self.transport.close()
