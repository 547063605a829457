"""Access control: no other sites, and no requests without the token if there is one."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.server.limits import OPEN, Problem

__all__ = ["LOOPBACK", "Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GUARDED = ("/api", "/v2", "/metrics", "/openapi.json")  # the page itself has no data

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """Middleware that checks Host, Origin and token, and adds security headers to responses.

    There are no cookies to exploit, but a page of another site could post to a server on the
    user's own machine. Its Origin header reveals it; if it has resolved a domain to this machine
    (DNS rebinding), its Host header does.

    Parameters
    ----------
    hosts : accepted host names; None for any, if a token protects the server.
    origins : accepted origins besides the address of the request itself: those of public
        addresses, behind a proxy, and of other pages that may use the API.
    token : the value that ``Authorization: Bearer`` must have, or None.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str] | None,
        token: str | None,
        origins: Sequence[str] = (),
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = frozenset(origins)
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in HEADERS if header[0] not in present),
                ]
            await send(message)

        try:
            self._check(Headers(scope=scope), scope["path"])
        except Problem as problem:
            await problem.response(scope["path"])(scope, receive, marked)
            return
        await self.app(scope, receive, marked)

    def _check(self, headers: Headers, path: str) -> None:
        host = headers.get("host", "")
        if self.hosts is not None and _name_of(host) not in self.hosts:
            raise Problem(
                421,
                f"This server does not accept the host name {_name_of(host)[:100]!r}. "
                "Use http://127.0.0.1, or start the server with --host, or behind a proxy with "
                f"--public-url https://{_name_of(host)[:100]}.",
            )
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == host or origin in self.origins
        if not own:
            shown = (origin or "")[:100]
            raise Problem(
                403,
                "Requests from other sites are not allowed. Use the page of this server. If "
                f"{shown} is its address behind a proxy, start it with --public-url {shown}; if "
                f"it is another page that may use the API, with --allow-origin {shown}.",
            )
        if self.token is not None and path not in OPEN and path.startswith(GUARDED):
            scheme, _, sent = headers.get("authorization", "").partition(" ")
            sent = sent.strip() if scheme.lower() == "bearer" else ""
            if not hmac.compare_digest(sent.encode(), self.token.encode()):
                raise Problem(
                    401,
                    "The token is missing or invalid. Send the header Authorization: Bearer TOKEN "
                    "with the token that the server printed when it started.",
                    {"WWW-Authenticate": "Bearer"},
                )


def _name_of(host: str) -> str:
    """The host name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
