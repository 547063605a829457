"""The page behind a proxy, below a path, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest
import trustme
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect

from bakeoff.record.folder import RunFolder

from ..shared import free_port
from .conftest import (
    SEVEN,
    TRY,
    answer,
    choose,
    draw,
    provokes,
    saved,
    serving,
    watched,
)

PREFIX = "/models/digits"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@contextmanager
def proxied(
    port: int, upstream: str, *, keeps_path: bool, certificate: ssl.SSLContext | None = None
) -> Iterator[None]:
    """A proxy that sends its own Host, as most do, and passes the public path on or not.

    With a certificate it speaks TLS, and plain HTTP to the server behind it.
    """

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

        do_GET = do_POST = do_DELETE = forward  # noqa: N815 - what the handler calls them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Proxy) as server:
        if certificate is not None:
            server.socket = certificate.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@contextmanager
def nginx(port: int, upstream: str, certificate: Path) -> Iterator[None]:
    """The real one, with the configuration that is handed out."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx here")
    folder = certificate.parent
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    location = (DEPLOY / "nginx.conf").read_text()
    location = location.replace("/digits", PREFIX).replace("http://127.0.0.1:8471", upstream)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}"
        f"http {{ access_log off; {temporary}"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate};"
        f"ssl_certificate_key {certificate};"
        f"\n{location}\n }} }}"
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@contextmanager
def caddy(port: int, upstream: str, folder: Path, prefix: str) -> Iterator[None]:
    """The real one, with the configuration that is handed out; an address gets its own CA."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("no caddy here")
    comment, at_root, below = "# Below", "\treverse_proxy ", "reverse_proxy /digits* "
    site = (DEPLOY / "Caddyfile").read_text()
    assert below in site[site.index(comment) :].splitlines()[0]
    assert site.count(at_root) == 1
    if prefix:
        site = site.replace(at_root, f"\t{below.replace('/digits', prefix)}")
    site = site.replace("127.0.0.1:8471", upstream.removeprefix("http://"))
    # Not what is handed out: no port 80, no interface for changes, and no CA in this system.
    quietly = "{\n auto_https disable_redirects\n admin off\n skip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(f"{quietly}{site}")
    command = [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    environment = {
        **os.environ,
        "PUBLIC_HOST": f"https://127.0.0.1:{port}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    log = folder / "caddy.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            for _ in range(200):
                with suppress(httpx.TransportError):
                    httpx.get(f"https://127.0.0.1:{port}{prefix}/healthz", verify=False)
                    break
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


# Proxies that are not in Python are programs, with the files of deploy/ as they are.
PROXIES = (
    ("python", PREFIX),
    pytest.param("nginx", PREFIX, marks=pytest.mark.long),
    pytest.param("caddy", PREFIX, marks=pytest.mark.long),
    pytest.param("caddy", "", marks=pytest.mark.long),
)


@pytest.mark.parametrize(("proxy", "prefix"), PROXIES)
def test_the_page_works_behind_tls(
    browser: Browser,
    trained: RunFolder,
    digits: NDArray[np.uint8],
    tmp_path: Path,
    proxy: str,
    prefix: str,
) -> None:
    """The proxy speaks TLS to the page and plain HTTP to the server, which must not mind."""
    port = free_port()
    public = f"https://127.0.0.1:{port}{prefix}"
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(certificate)
    name = f"behind {proxy} {'below a path' if prefix else ''}".strip()
    with (
        serving(trained.path, "--public-url", public, "--allow-training") as upstream,
        {
            "python": lambda: proxied(port, upstream, keeps_path=True, certificate=certificate),
            "nginx": lambda: nginx(port, upstream, tmp_path / "both.pem"),
            "caddy": lambda: caddy(port, upstream, tmp_path, prefix),
        }[proxy](),
        watched(browser, ignore_https_errors=True) as page,
    ):
        page.goto(f"{public}/#{TRY}")
        expect(page.get_by_text("Draw something")).to_be_visible()
        assert page.evaluate("isSecureContext")  # the camera and the clipboard want one
        draw(page, SEVEN)
        expect(answer(page, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
        for label in ("3", "4"):
            choose(page, saved(tmp_path, digits[int(label)], f"{label}.png"))
            expect(answer(page, "Plain baseline")).to_have_text(label)
            page.get_by_role("button", name="Correct this answer").click()
            page.get_by_label("Set", exact=True).fill(name)
            page.get_by_role("button", name=label, exact=True).click()
            expect(page.get_by_text(f"Added as {label}")).to_be_visible()
        page.get_by_role("link", name="Train on this set").click()
        expect(page.get_by_text("2 pictures, 2 classes")).to_be_visible()
        # Whether a training may be asked for, without the training: its set is none.
        asked = page.evaluate(
            """async () => {
              const [body, headers] = ['{"set": "none"}', { "Content-Type": "application/json" }];
              const reply = await fetch("api/training", { method: "POST", body, headers });
              return [reply.url, reply.status, reply.headers.get("set-cookie")];
            }"""
        )
        provokes(page, "status of 404")
        assert asked == [f"{public}/api/training", 404, None]
        assert page.context.cookies() == []  # so there is none to protect
        # The same name without TLS is another site, and so is any other.
        for origin in (f"http://127.0.0.1:{port}", "https://127.0.0.1", "null"):
            refused = httpx.post(
                f"{upstream}/api/training", json={"set": "none"}, headers={"Origin": origin}
            )
            assert refused.status_code == 403, origin


@pytest.mark.parametrize("keeps_path", [True, False])
def test_the_page_works_behind_a_proxy_below_a_path(
    browser: Browser, trained: RunFolder, keeps_path: bool
) -> None:
    port = free_port()
    public = f"http://127.0.0.1:{port}{PREFIX}"
    with (
        serving(trained.path, "--public-url", public, "--allow-training") as upstream,
        proxied(port, upstream, keeps_path=keeps_path),
        watched(browser) as page,
    ):
        # Without its slash only where the server sees the path; a proxy that removes it adds it.
        page.goto(f"{public}{'' if keeps_path else '/'}#{TRY}")
        expect(page.get_by_text("Draw something")).to_be_visible()
        expect(page).to_have_url(re.compile(f"^{re.escape(public)}/#"))
        draw(page, SEVEN)
        expect(answer(page, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
        page.goto(f"{public}/#/compare/digits")
        expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
