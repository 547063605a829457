"""Serving over HTTP on loopback: latency, throughput against LitServe, and a minute of 64 clients.

    apt install wrk; python -m venv litserve && litserve/bin/pip install litserve onnxruntime pillow
    python benchmarks/serving.py RUN litserve/bin/python > benchmarks/serving.txt

RUN has bundles of MNIST's digits. Latency: one client sends one 28×28 PNG after the other to all
models, without and with transfer learning's backbone. Throughput: wrk with 32 clients for 20
seconds, one model (the same ONNX file in both), three rounds each. Then 64 clients for 60 seconds
with every model, alone and next to a process that keeps a core busy; failed are responses other
than 200, and missing ones.
"""

from __future__ import annotations

import http.client
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from measure import hardware
from PIL import Image

from bakeoff.bundle.bundle import find_bundles
from bakeoff.bundle.golden import golden_pictures

REQUESTS = 3000
PEER = Path(__file__).parent / "peers" / "litserve_onnx.py"
PEER_PORT = 8472


def main() -> None:
    """Print latency, throughput and failures."""
    run, litserve = Path(sys.argv[1]), sys.argv[2]
    picture = io.BytesIO()
    Image.fromarray(golden_pictures()[0][..., 0]).save(picture, "PNG")
    print(f"{hardware()}\n")
    bundles = find_bundles(run)
    small = [path for path in bundles if path.name != "transfer"]
    for served in (small, bundles):
        with serving(*served) as address:
            took = np.array(_latencies(address, picture.getvalue())) * 1e3
        p50, p99 = np.percentile(took, (50, 99))
        names = ", ".join(path.name for path in served)
        print(f"one picture, {names}: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "picture.png")
        body.write_bytes(picture.getvalue())
        script = Path(folder, "post.lua")
        script.write_text(
            f'local file = io.open("{body}", "rb")\nwrk.method = "POST"\n'
            'wrk.body = file:read("*a")\nwrk.headers["Content-Type"] = "image/png"\n'
        )
        ours, theirs = [], []
        one = next(path for path in bundles if path.name == "cnn")
        for _ in range(3):
            with serving(one) as address:
                ours.append(_wrk(f"http://{address}/api/predict", script, 32, 20).rate)
            with _peer(litserve, one / "model.onnx") as address:
                theirs.append(_wrk(f"http://{address}/predict", script, 32, 20).rate)
        print(f"\nrequests a second, the cnn alone: bakeoff {_all(ours)}; LitServe {_all(theirs)}")
        print(f"bakeoff serves {median(ours) / median(theirs):.1f} × as many\n", flush=True)
        with serving(*bundles) as address:
            for words, hog in (("alone", False), ("beside a CPU hog", True)):
                with _hog(hog):
                    found = _wrk(f"http://{address}/api/predict", script, 64, 60)
                print(
                    f"64 clients for 60 s, {words}: {found.rate:.0f} a second, p99 {found.p99}, "
                    f"{found.failed} failed",
                    flush=True,
                )


class _Load:
    """The output of wrk."""

    def __init__(self, text: str) -> None:
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
        self.p99 = re.search(r"99%\s+(\S+)", text)[1]  # type: ignore[index]
        errors = re.search(
            r"Socket errors: connect (\d+), read (\d+), write (\d+), t\w+ (\d+)", text
        )
        other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        self.failed = sum(map(int, errors.groups())) if errors else 0
        self.failed += int(other[1]) if other else 0


def _wrk(url: str, script: Path, clients: int, seconds: int) -> _Load:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    done = subprocess.run([*command, "-s", script, url], capture_output=True, text=True, check=True)
    return _Load(done.stdout)


def _latencies(address: str, body: bytes) -> list[float]:
    connection = http.client.HTTPConnection(address)
    times = []
    for turn in range(REQUESTS + 100):
        started = time.perf_counter()
        connection.request("POST", "/api/predict", body)
        response = connection.getresponse()
        response.read()
        if turn >= 100:
            times.append(time.perf_counter() - started)
        assert response.status == 200, response.status
    return times


@contextmanager
def serving(*bundles: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "bakeoff", "serve", *map(str, bundles), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it is piped"
        address = next(
            found[1] for line in process.stdout if (found := re.search(r"http://([\d.:]+)", line))
        )
        _wait_for(address, "/healthz")
        yield address
        process.terminate()


@contextmanager
def _peer(python: str, model: Path) -> Iterator[str]:
    command = [python, str(PEER), str(model), str(PEER_PORT)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        address = f"127.0.0.1:{PEER_PORT}"
        _wait_for(address, "/health")
        yield address
        os.killpg(process.pid, 15)


@contextmanager
def _hog(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield
        process.kill()


def _wait_for(address: str, path: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection(address, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"nothing answers at {address}"
        time.sleep(0.2)


def _all(values: list[float]) -> str:
    return ", ".join(f"{one:.0f}" for one in values)


if __name__ == "__main__":
    main()
