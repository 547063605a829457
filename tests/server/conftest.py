"""A real server on loopback, with the bundles of a real run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from bakeoff.bundle.panel import name_bundles
from bakeoff.record.folder import RunFolder
from bakeoff.server.app import create_app
from bakeoff.server.connections import server_for
from bakeoff.server.guard import LOOPBACK
from bakeoff.server.home import Home
from bakeoff.server.limits import Bounds
from bakeoff.server.models import Models
from bakeoff.server.runs import Runs

from ..strokes import strokes

Serve = Callable[..., Any]


@contextmanager
def serving(
    run: RunFolder | None,
    *,
    bounds: Bounds | None = None,
    home: Home | None = None,
    **options: Any,
) -> Iterator[httpx.Client]:
    """A client of a server that runs in a thread until the block ends."""
    bounds = bounds or Bounds()
    named = name_bundles([run.path]) if run else {}
    models = Models(named, waiting=bounds.waiting, cores=1)
    options = {"hosts": LOOPBACK} | options
    served = Runs([run.path] if run else [], home.runs if home else None)
    application = create_app(models, served, bounds=bounds, home=home, **options)
    server = server_for(application, "127.0.0.1", 0)
    socket = server.config.bind_socket()
    thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    try:
        with httpx.Client(base_url=address, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(20)
        socket.close()


@pytest.fixture(scope="session")
def client(finished: RunFolder) -> Iterator[httpx.Client]:
    """A client of one server that all tests share, with limits that a test can reach."""
    bounds = Bounds(body_mb=2, files=5, pictures=50, picture_megapixels=1, unpacked_mb=3, members=9)
    with serving(finished, bounds=bounds) as shared:
        yield shared


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a set of 60 strokes called tiny."""
    dataset = strokes(60)
    for name, pixels in zip(dataset.names, dataset.pictures, strict=True):
        path = tmp_path / "sets" / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(path)
    return Home(tmp_path, open=True)
