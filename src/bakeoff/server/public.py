"""The addresses under which others reach the server: behind a proxy, and below a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from starlette.datastructures import URL
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bakeoff.errors import BakeoffError

__all__ = ["BelowPath", "PublicUrl", "origin_of"]

OWN = ("api", "v2", "assets", "metrics", "healthz", "openapi.json")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """An address such as https://models.example.org/digits.

    Attributes
    ----------
    origin : as browsers send it: https://models.example.org.
    host : the name alone.
    prefix : the path before those of the server: "" or /digits.
    """

    origin: str
    host: str
    prefix: str

    @classmethod
    def parse(cls, text: str, option: str = "--public-url") -> PublicUrl:
        """From text; `option` is where it was given.

        Raises
        ------
        BakeoffError
            It is no address, or its path is one of the server's own.
        """
        subject, hint = f"{option} {text}", f"Use {option} https://models.example.org"
        try:
            parts = urlsplit(text.strip())
            host = (parts.hostname or "").encode("idna").decode()
            port = parts.port
        except ValueError:  # UnicodeError is one
            raise BakeoffError(subject, "is not a web address", hint) from None
        if parts.scheme not in DEFAULT_PORTS or not host or parts.username is not None:
            raise BakeoffError(subject, "is not a web address with http or https and a host", hint)
        if parts.query or parts.fragment:
            raise BakeoffError(subject, "has more than a host and a path", hint)
        name = f"[{host}]" if ":" in host else host
        shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
        prefix = unquote(parts.path).rstrip("/")
        if prefix.lstrip("/").partition("/")[0] in OWN:
            raise BakeoffError(
                subject, f"its path {prefix} is one of the server itself", "Use another path"
            )
        return cls(f"{parts.scheme}://{name}{shown}", host, prefix)


def origin_of(text: str) -> str:
    """The origin of other pages that may use the API, from the text of an option.

    Raises
    ------
    BakeoffError
        It is not an origin, or it stands for all of them.
    """
    option = "--allow-origin"
    if text.strip() in ("*", "null"):
        raise BakeoffError(
            f"{option} {text}", "would let any page use this server", "Name the pages one by one"
        )
    found = PublicUrl.parse(text, option)
    if found.prefix:
        raise BakeoffError(
            f"{option} {text}", "has a path, which origins have not", f"Use {found.origin}"
        )
    return found.origin


class BelowPath:
    """Middleware for proxies that pass the public path on; others have removed it already."""

    def __init__(self, app: ASGIApp, prefixes: Sequence[str]) -> None:
        self.app = app
        self.prefixes = sorted({prefix for prefix in prefixes if prefix}, key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        for prefix in self.prefixes if scope["type"] == "http" else ():
            if path == prefix:  # the page's own addresses are relative to a folder
                url = URL(scope=scope)
                query = f"?{url.query}" if url.query else ""
                last = prefix.rpartition("/")[2]
                await RedirectResponse(f"{last}/{query}")(scope, receive, send)
                return
            if path.startswith(f"{prefix}/"):
                scope = {**scope, "path": path.removeprefix(prefix)}
                break
        await self.app(scope, receive, send)
