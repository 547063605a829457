"""Who may speak to the server: no other site, and nobody without the token if there is one."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.server.limits import Problem

__all__ = ["LOOPBACK", "Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GUARDED = ("/api", "/v2", "/metrics", "/openapi.json")  # the page itself tells nothing
OPEN = ("/healthz", "/v2/health/live", "/v2/health/ready")  # for probes, which have no token

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Middleware: checks Host, Origin and token, and marks every answer for browsers.

    There are no cookies, so a page of another site has nothing to ride on; what it could do is
    post to a server on the reader's own machine. Its Origin gives it away, and a name that it
    made to mean this machine (DNS rebinding), its Host.

    Parameters
    ----------
    hosts : names that a request may be for. None where a token is wanted: a site that has the
        token needs no trick.
    token : what ``Authorization: Bearer`` must hold, or None.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str] | None, token: str | None) -> None:
        self.app = app
        self.hosts = hosts
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(one for one in HEADERS if one[0] not in there),
                ]
            await send(message)

        try:
            self._check(Headers(scope=scope), scope["path"])
        except Problem as problem:
            await problem.response()(scope, receive, marked)
            return
        await self.app(scope, receive, marked)

    def _check(self, headers: Headers, path: str) -> None:
        host = headers.get("host", "")
        if self.hosts is not None and _name_of(host) not in self.hosts:
            raise Problem(
                421,
                f"This server does not answer to the name {_name_of(host)[:100]!r}. "
                "Use http://127.0.0.1, or start it with --host.",
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Problem(
                403, "Requests from pages of other sites are refused. Use the page of this server."
            )
        if self.token is not None and path not in OPEN and path.startswith(GUARDED):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                raise Problem(
                    401,
                    "The token is missing or wrong. Send the header Authorization: Bearer TOKEN "
                    "with the token that was printed when the server started.",
                    {"WWW-Authenticate": "Bearer"},
                )


def _name_of(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
