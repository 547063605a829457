"""The page: files that the build makes from `web/`, as they were when the server started.

An open page asks for its rooms when they are entered, by names with checksums. If bakeoff is
updated under a running server, the files of those names are gone. So they are kept in memory,
1.6 MB in all, and an open page stays whole until the server is started again.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type

from fastapi import FastAPI, Response

from bakeoff.server.limits import Problem

__all__ = ["serve"]

# Load everything from this server. blob: and data: are pictures that the page makes.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src blob:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"


def serve(app: FastAPI) -> None:
    """Add the page at / and its assets at /assets."""
    built = files("bakeoff") / "web" / "app"
    top, assets = _read(built), _read(built / "assets")

    def answer(name: str, header: str, value: str) -> Response:
        if name not in top:
            raise Problem(
                404,
                "The page is not built in this source tree. "
                "Build it with: pip install --editable .",
            )
        return _response(name, top[name], header, value)

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        return answer("index.html", "Content-Security-Policy", POLICY)

    @app.get("/favicon.svg", include_in_schema=False)
    def favicon() -> Response:
        return answer("favicon.svg", "Cache-Control", "public, max-age=86400")

    @app.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    def asset(name: str) -> Response:
        """Its name has a checksum, so browsers may keep it forever."""
        if name not in assets:
            raise Problem(404, "Not Found")
        return _response(name, assets[name], "Cache-Control", FOREVER)


def _read(folder: Traversable) -> dict[str, bytes]:
    """The files in a folder, by name; none if it is not there."""
    if not folder.is_dir():
        return {}
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def _response(name: str, content: bytes, header: str, value: str) -> Response:
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={header: value})
