"""The command that serves: the page, the API, and what they train."""

from __future__ import annotations

import ctypes
import gc
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from bakeoff.cli.common import app, console
from bakeoff.machine import cores

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bakeoff.server.home import Home
    from bakeoff.server.limits import Bounds

__all__ = ["serve", "serve_until_stopped"]

M_ARENA_MAX = -8  # of glibc's mallopt

Served = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="RUN|STUDY|BUNDLE",
        help="Runs, studies or bundles to serve from the start.",
        show_default=False,
    ),
]
HomeFolder = Annotated[
    Path,
    typer.Option(
        help="The folder to work in: its runs/ and studies/ are served too, and what is "
        "trained and kept on the page goes to its runs/ and sets/.",
        file_okay=False,
    ),
]
Host = Annotated[
    str, typer.Option(help="Address to listen on. Any other than this machine's own needs a token.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")]
AllowTraining = Annotated[
    bool,
    typer.Option(
        "--allow-training",
        help="Let clients train and keep pictures on this machine even if --host lets others in.",
    ),
]
PublicUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="The address under which a proxy makes the server known, with its path: "
        "https://models.example.org/digits. May be given several times.",
    ),
]
AllowedOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="ORIGIN",
        help="Let pages of this origin use the API, such as https://app.example.org. May be given "
        "several times.",
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Serve a bundle that is replaced, without a pause.")
]
Bound = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=NUMBER",
        help="Change a bound: body_mb, files, pictures, picture_megapixels, unpacked_mb, "
        "members, body_seconds, decode_seconds, memory_mb, waiting, answer_seconds, set_mb, "
        "set_files, set_seconds.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="CPU threads for all models together. Default: all cores but one, which reads and "
        "answers requests.",
    ),
]


@app.command()
def serve(
    things: Served = None,
    home: HomeFolder = Path(),
    host: Host = "127.0.0.1",
    port: Port = 8471,
    public_url: PublicUrls = None,
    allow_origin: AllowedOrigins = None,
    allow_training: AllowTraining = False,
    watch: Watch = False,
    bound: Bound = None,
    threads: Threads = None,
) -> None:
    """Serve bundles over HTTP: /api/predict names pictures, every model side by side.

    Listens on this machine alone unless told otherwise; then every request needs the token that
    is printed once, or that is set in BAKEOFF_TOKEN, and nothing can be trained or kept without
    --allow-training. Put a proxy with TLS in front, and give its address with --public-url: then
    too nothing can be trained without --allow-training, and BAKEOFF_TOKEN sets a token. The API is
    described at /openapi.json; models are also served by the Open Inference Protocol under /v2.

    **Examples**

    `bakeoff serve` – all runs in runs/ and studies in studies/; train more on the page

    `bakeoff serve runs/digits`, then `curl --data-binary @seven.png localhost:8471/api/predict`

    `bakeoff serve digits.bakeoff --host 0.0.0.0 --bound body_mb=50`

    `bakeoff serve digits.bakeoff --public-url https://models.example.org/digits`
    """
    serve_until_stopped(
        things or [],
        home=home,
        host=host,
        port=port,
        public_urls=public_url or [],
        allow_origins=allow_origin or [],
        allow_training=allow_training,
        watch=watch,
        bound=bound or [],
        threads=threads,
    )


def serve_until_stopped(
    things: Sequence[Path],
    *,
    home: Path = Path(),
    host: str = "127.0.0.1",
    port: int = 0,
    public_urls: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
    allow_training: bool = False,
    watch: bool = False,
    bound: Sequence[str] = (),
    threads: int | None = None,
    open_page: bool = False,
    beside: Callable[[FastAPI, Server], str] | None = None,
) -> None:
    """Serve until Ctrl-C; see `serve`.

    Parameters
    ----------
    open_page : show the page in a browser.
    beside : called before the server listens, to start what goes on beside it; returns the place
        of the page to show, such as "#/try/digits".
    """
    from bakeoff.server.connections import server_for
    from bakeoff.server.home import Home
    from bakeoff.server.limits import Bounds

    _share_one_heap()
    access = _access(host, public_urls, allow_origins)
    alone = access["token"] is None and not access["public"]
    application = _application(
        things,
        home=Home(home.resolve(), open=alone or allow_training),
        bounds=Bounds.of(list(bound)),
        watch=watch,
        threads=threads,
        **access,
    )
    server = server_for(application, host, port)
    for name, batcher in application.state.models.items():
        console.print(f"{name}: {batcher.bundle.manifest.title}", markup=False)
    if access["token"] and "BAKEOFF_TOKEN" not in os.environ:
        console.print(f"token: {access['token']}", markup=False, soft_wrap=True)
    place = beside(application, server) if beside else ""
    with server.config.bind_socket() as listener:
        # An answer's head and body are two writes. Without this the second waits for the client's
        # delayed acknowledgement of the first, some 40 ms; accepted connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.listen(server.config.backlog)  # who reads the address may connect at once
        address = f"{_address(host, listener)}{place and '/'}{place}"
        console.print(f"{address} · Ctrl-C stops", soft_wrap=True)
        _announce(access)
        if open_page:
            threading.Thread(target=open_when_up, args=(server, address), daemon=True).start()
        gc.collect()
        gc.freeze()  # what is there now stays; collecting it again costs milliseconds each time
        with suppress(KeyboardInterrupt):  # which ends it in good order
            server.run([listener])


def _access(host: str, public_urls: Sequence[str], allow_origins: Sequence[str]) -> dict[str, Any]:
    """Who may send requests: the options of `create_app` that decide it."""
    from bakeoff.server.guard import LOOPBACK
    from bakeoff.server.public import PublicUrl, origin_of

    public = [PublicUrl.parse(text) for text in public_urls]
    others = host not in LOOPBACK
    token = os.environ.get("BAKEOFF_TOKEN") if others or public else None
    if others:
        token = token or secrets.token_urlsafe(32)
    return {
        "hosts": None if token else LOOPBACK,
        "token": token,
        "public": public,
        "allow_origins": [origin_of(text) for text in allow_origins],
    }


def _announce(access: Mapping[str, Any]) -> None:
    """Print the public addresses."""
    for url in access["public"]:
        console.print(f"public: {url.origin}{url.prefix}/", markup=False, soft_wrap=True)
    if access["public"] and not access["token"]:
        console.print("Anyone who reaches it can use it; BAKEOFF_TOKEN sets a token.")


def _application(
    things: Sequence[Path], *, bounds: Bounds, threads: int | None, home: Home, **options: Any
) -> FastAPI:
    """The application that serves some runs, studies and bundles."""
    from bakeoff.bundle.bundle import find_bundles
    from bakeoff.bundle.panel import name_bundles
    from bakeoff.record.studyfolder import STUDY
    from bakeoff.server.app import create_app
    from bakeoff.server.models import Models
    from bakeoff.server.runs import Runs

    runs = [path for path in things if (path / "run.json").is_file()]
    studies = [path for path in things if (path / STUDY).is_file()]
    bundled = [path for path in things if path not in (*runs, *studies) or find_bundles(path)]
    # More threads than cores that are left to them wait for each other: a busy server then gives a
    # tenth fewer answers.
    answering = threads or max(1, cores() - 1)
    named = name_bundles(bundled) if bundled else {}
    models = Models(named, waiting=bounds.waiting, cores=answering)
    return create_app(
        models, Runs(runs, home.runs), bounds=bounds, home=home, searches=studies, **options
    )


def _address(host: str, listener: socket.socket) -> str:
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
    return f"http://{reachable}:{listener.getsockname()[1]}"


def _share_one_heap() -> None:
    """Make all later threads share one heap.

    glibc gives each thread a heap of its own, and others cannot reuse what it frees: requests of
    all shapes on many threads would fill all heaps. Does nothing with another C library.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_ARENA_MAX, 1)


class Server(Protocol):
    """A server that can be told to stop."""

    should_exit: bool


class Starting(Protocol):
    """A server that knows when it accepts requests."""

    @property
    def started(self) -> bool:
        """Whether it listens."""
        ...


def open_when_up(server: Starting, address: str) -> None:
    """Open the page in a browser as soon as there is one."""
    while not server.started:
        time.sleep(0.05)
    webbrowser.open(address)
