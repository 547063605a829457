"""The page: files that the build makes from `web/`."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from fastapi import FastAPI, Response
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from bakeoff.server.limits import Problem

__all__ = ["serve"]

# Load everything from this server. blob: and data: are pictures that the page makes.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src blob:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"


class _Assets(StaticFiles):
    """Files with checksums in their names, so that browsers may cache them forever."""

    def file_response(self, *args: object, **options: object) -> Response:
        response: Response = super().file_response(*args, **options)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = FOREVER
        return response


def serve(app: FastAPI) -> None:
    """Add the page at / and its assets at /assets."""
    with as_file(files("bakeoff") / "web" / "app") as folder:
        built = folder

    def answer(name: str, header: str, value: str) -> FileResponse:
        if not (built / name).is_file():
            raise Problem(
                404,
                "The page is not built in this source tree. "
                "Build it with: pip install --editable .",
            )
        return FileResponse(built / name, headers={header: value})

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return answer("index.html", "Content-Security-Policy", POLICY)

    @app.get("/favicon.svg", include_in_schema=False)
    def favicon() -> FileResponse:
        return answer("favicon.svg", "Cache-Control", "public, max-age=86400")

    if (built / "assets").is_dir():
        app.mount("/assets", _Assets(directory=Path(built, "assets")), name="assets")
