"""A real Ray cluster of two nodes on this machine, one core each, which can be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

import bakeoff

from ..shared import free_port

PATIENCE = 60.0  # seconds for a node to start; it takes some four
SMALL = 100_000_000  # bytes of shared memory for each node


class Nodes:
    """Head and second node, each a `ray start` with all that it starts in turn."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="ray")  # short: it holds Unix sockets
        self._head: subprocess.Popen[bytes] | None = None
        self._second: subprocess.Popen[bytes] | None = None
        self._ports = (0, 0)

    def one(self) -> str:
        """See that there is a head; the address for who comes from elsewhere."""
        if not _runs(self._head):
            self.kill_second()
            self._ports = (free_port(), free_port())
            ports = [f"--port={self._ports[0]}", f"--ray-client-server-port={self._ports[1]}"]
            local = ["--include-dashboard=false", "--node-ip-address=127.0.0.1"]
            self._head = self._start("--head", *ports, *local, f"--temp-dir={self._folder}")
        return f"ray://127.0.0.1:{self._ports[1]}"

    def both(self) -> str:
        """See that there are a head and a second node."""
        address = self.one()
        if not _runs(self._second):
            self._second = self._start(f"--address={self.inside}", "--node-ip-address=127.0.0.2")
        return address

    @property
    def inside(self) -> str:
        """The address for who is on the head's own machine."""
        return f"127.0.0.1:{self._ports[0]}"

    def kill_head(self) -> None:
        """As if its plug were pulled."""
        _kill(self._head)

    def kill_second(self) -> None:
        """As if its plug were pulled."""
        _kill(self._second)

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill_second()
        self.kill_head()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options]
        command += ["--num-cpus=1", f"--object-store-memory={SMALL}", "--include-log-monitor=false"]
        command += ["--min-worker-port=0", "--max-worker-port=0"]  # any that is free
        # Workers stand elsewhere, so a relative path would lead them to another bakeoff.
        here = str(Path(bakeoff.__file__).resolve().parents[1])
        told = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": here}
        said = Path(self._folder, "said.log")
        with said.open("wb") as log:
            node = subprocess.Popen(
                command, env=told, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + PATIENCE
        while "Ray runtime started" not in said.read_text(encoding="utf-8"):
            if node.poll() is not None or time.monotonic() > until:
                _kill(node)
                raise RuntimeError(f"no node of Ray started:\n{said.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        return node


def _runs(node: subprocess.Popen[bytes] | None) -> bool:
    return node is not None and node.poll() is None


def _kill(node: subprocess.Popen[bytes] | None) -> None:
    """The node and all that it started, some of which is in groups of its own."""
    if node is None:
        return
    tree: Sequence[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        tree = psutil.Process(node.pid).children(recursive=True)
    for one in (node, *tree):
        with suppress(psutil.NoSuchProcess):
            one.kill()
    node.wait()
    psutil.wait_procs(tree, timeout=PATIENCE)
