"""The page behind a proxy, below a path, in a real browser."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Page, expect

from bakeoff.record.folder import RunFolder

from .conftest import SEVEN, TRY, answer, draw, serving

PREFIX = "/models/digits"


@contextmanager
def proxied(port: int, upstream: str, *, keeps_path: bool) -> Iterator[None]:
    """A proxy that sends its own Host, as most do, and passes the public path on or not."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            path = self.path if keeps_path else self.path.removeprefix(PREFIX)
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = httpx.request(
                self.command, f"{upstream}{path}", headers=headers, content=body, timeout=30
            )
            self.send_response(answered.status_code)
            for name, value in answered.headers.items():
                if name not in ("transfer-encoding", "content-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.content)))
            self.end_headers()
            self.wfile.write(answered.content)

        do_GET = do_POST = forward  # noqa: N815 - what the handler calls them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("keeps_path", [True, False])
def test_the_page_works_behind_a_proxy_below_a_path(
    page: Page, trained: RunFolder, keeps_path: bool
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = f"http://127.0.0.1:{port}{PREFIX}"
    with (
        serving(trained.path, "--public-url", public, "--allow-training") as upstream,
        proxied(port, upstream, keeps_path=keeps_path),
    ):
        # Without its slash only where the server sees the path; a proxy that removes it adds it.
        page.goto(f"{public}{'' if keeps_path else '/'}#{TRY}")
        expect(page.get_by_text("Draw something")).to_be_visible()
        assert page.url.startswith(f"{public}/#")
        draw(page, SEVEN)
        expect(answer(page, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
        page.goto(f"{public}/#/compare/digits")
        expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
