"""What processes of pytest-xdist share, and what they must not: results, and ports."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first process to ask for it fills; it is only to be read.

    Parameters
    ----------
    factory : pytest's maker of temporary folders.
    name : of the folder; the same for all processes.
    make : called with the path, which is not there yet.
    """
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = factory.getbasetemp() if alone else factory.getbasetemp().parent
    path, done = base / name / "run", base / name / "done"
    path.parent.mkdir(exist_ok=True)
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            make(path)
            done.touch()
    return path


def free_port() -> int:
    """A port for a server that starts a little later.

    It is below those that a system lends to clients: other tests open thousands of connections, and
    one of them could be lent the port meanwhile.
    """
    for _ in range(100):
        port = random.randrange(20_000, 32_768)
        with socket.socket() as server, suppress(OSError):
            server.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
