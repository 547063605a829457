"""What strangers, odd files and bad luck do to a server and to a run, each as it once went wrong.

    python benchmarks/faults.py > benchmarks/faults.txt

Everything happens on loopback and in a temporary folder, with bounded numbers: at most 999
connections, 80 MB of headers, 64 clients. It prints what was tried, what must hold and what was
seen, and ends with exit code 1 unless all of it holds. Needs Linux and bakeoff[train].
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import onnx
import psutil
from measure import hardware
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import bakeoff
from bakeoff.bundle.graph import check_graph
from bakeoff.errors import BakeoffError
from bakeoff.record import whole

BUDGET, SPARE = 1_000, 300  # MB: the default of --bound memory_mb, and what else a server may use
LATER = 1.0  # seconds that another client's request may take meanwhile
TRAINING = {"set": "digits", "approaches": ["baseline"], "budget": "quick", "folds": 2}

Seen = tuple[bool, str]


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    client: httpx.Client
    home: Path
    log: Path

    @property
    def megabytes(self) -> float:
        """What it holds in memory now."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def connect(self) -> socket.socket:
        """A bare connection."""
        url = self.client.base_url
        return socket.create_connection((url.host, url.port), timeout=60)


@contextmanager
def served(*arguments: str | Path, home: Path, log: Path) -> Iterator[Server]:
    """A server until the block ends."""
    command = [sys.executable, "-m", "bakeoff", "serve", *map(str, arguments)]
    command += ["--home", str(home), "--port", "0"]
    with (
        log.open("ab") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None, "it is piped"
        address = next(
            found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line))
        )
        try:
            with httpx.Client(base_url=address, timeout=120) as client:
                while True:
                    with suppress(httpx.ConnectError):
                        client.get("/healthz")
                        break
                yield Server(process, client, home, log)
        finally:
            process.terminate()


@contextmanager
def peak(server: Server) -> Iterator[list[float]]:
    """The most memory that a server holds while the block runs, in MB; the only item of a list."""
    most, done = [server.megabytes], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], server.megabytes)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        done.set()
        watching.join()


def png(side: int, mode: str = "L") -> bytes:
    """A white picture."""
    buffer = io.BytesIO()
    Image.new(mode, (side, side), "white").save(buffer, "PNG")
    return buffer.getvalue()


# -- the server -----------------------------------------------------------------------------


def memory(server: Server) -> Seen:
    """64 clients at once with PNGs of 25 megapixels, then a CSV of one line of 14 MB."""
    large, line = png(5000, "RGBA"), b",".join([b"7"] * 7_000_000)
    before = server.megabytes
    with peak(server) as most, ThreadPoolExecutor(64) as pool:
        post = lambda body: server.client.post("/api/predict", content=body).status_code
        statuses = set(pool.map(post, [large] * 64))
        post(line)
    more = most[0] - before
    return statuses <= {200, 503} and more <= BUDGET + SPARE, f"{more:.0f} MB more, {statuses}"


def endless_headers(server: Server) -> Seen:
    """80 MB of one header; meanwhile another client asks for the health check."""
    slowest, done = 0.0, threading.Event()

    def ask() -> None:
        nonlocal slowest
        while not done.is_set():
            started = time.perf_counter()
            server.client.get("/healthz")
            slowest = max(slowest, time.perf_counter() - started)

    asking = threading.Thread(target=ask)
    asking.start()
    answer = b""
    with server.connect() as one:
        with suppress(ConnectionError):
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            for _ in range(1_280):
                one.sendall(b"a" * 65_536)
        with suppress(ConnectionError):
            answer = one.recv(100)
    done.set()
    asking.join()
    status = answer[9:12].decode() or "closed"
    return status in ("431", "closed") and slowest < LATER, f"{status}, others ≤ {slowest:.2f} s"


def silent_connections(server: Server) -> Seen:
    """999 connections that say nothing, and a picture from somebody else."""
    with ExitStack() as stack:
        for _ in range(999):
            stack.enter_context(server.connect())
        health = server.client.get("/healthz").status_code
        answer = server.client.post("/api/predict", content=png(28)).status_code
        slow = stack.enter_context(server.connect())
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        started = time.perf_counter()
        late = slow.recv(100)[9:12].decode()
        took = time.perf_counter() - started
    fine = health == answer == 200 and late == "408" and took < 15
    return fine, f"{health}, {answer}; slow headers {late} after {took:.0f} s"


def leaving(server: Server) -> Seen:
    """50 clients that leave in mid-body."""
    before = server.log.stat().st_size
    for _ in range(50):
        with server.connect() as one:
            one.sendall(
                b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\nab"
            )
    time.sleep(1)
    text = server.client.get("/metrics").text
    counted = sum(float(n) for n in re.findall(r'requests_total{.*status="499"} (\S+)', text))
    logged = server.log.stat().st_size - before
    return counted == 50 and not logged, f"{counted:.0f} counted as 499, {logged} bytes in the log"


def blank_zip(server: Server) -> Seen:
    """A zip of 2 000 blank pictures of 25 megapixels."""
    buffer, picture = io.BytesIO(), png(5000)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2_000):
            archive.writestr(f"{number:04}.png", picture)
    before = sum(psutil.Process(server.process.pid).cpu_times()[:2])
    answer = server.client.post("/api/predict", content=buffer.getvalue(), timeout=600)
    spent = sum(psutil.Process(server.process.pid).cpu_times()[:2]) - before
    said = answer.json()
    found = len(said["models"][0]["answers"]) if answer.status_code == 200 else 0
    fine = spent < 40 and (answer.status_code == 413 or found + len(said["left_out"]) == 2_000)
    return fine, f"{spent:.0f} s of CPU for {len(buffer.getvalue()) // 1000} kB; {found} answered"


def small_ones(server: Server) -> Seen:
    """HEAD, and a request that names another host."""
    head = server.client.head("/api/models")
    other = server.client.get("/api/models", headers={"host": "elsewhere.example"}).status_code
    fine = head.status_code == 200 and not head.content and other == 421
    return fine, f"HEAD {head.status_code}, another host {other}"


def watched_bundle(server: Server) -> Seen:
    """A bundle that is replaced by odd things ten times, then by a good one."""
    bundle = next(server.home.glob("served/bundles/*"))
    manifest = bundle / "bundle.json"
    good = manifest.read_bytes()
    odd = [b"", b"[]", b"{}", b"\0", b"null", b"1e999", good[:-9], good.replace(b"2", b"9")]
    statuses = set()
    for data in odd:
        manifest.write_bytes(data)
        time.sleep(1.2)
        statuses.add(server.client.post("/api/predict", content=png(28)).status_code)
    manifest.unlink()
    manifest.mkdir()
    time.sleep(1.2)
    manifest.rmdir()
    title = json.loads(good) | {"title": "Another"}
    manifest.write_text(json.dumps(title))
    time.sleep(3)
    shown = server.client.get("/api/models").json()[0]["title"]
    return statuses == {200} and shown == "Another", f"{statuses}, then {shown}"


def odd_runs(server: Server) -> Seen:
    """Runs of every odd kind in the list, named pipes among them."""
    runs = server.home / "runs"
    for number, text in enumerate(["", "[]", "{}", "\0", "null", '{"schema_version": 9}']):
        (runs / f"odd {number}").mkdir(parents=True)
        (runs / f"odd {number}" / "run.json").write_text(text)
    (runs / "pipe").mkdir()
    (runs / "pipe" / "run.json").write_text("{}")
    os.mkfifo(runs / "pipe" / "events.jsonl")
    (runs / "pipe" / "pictures").mkdir()
    (runs / "pipe" / "pictures" / "99999999.webp").write_bytes(b"")
    os.mkfifo(runs / "pipe" / "pictures" / "0000.webp")
    listed = server.client.get("/api/runs", timeout=20)
    pages = {server.client.get(f"/api/runs/pipe/{page}", timeout=20).status_code
             for page in ("view", "sheets/0", "log")}  # fmt: skip
    for path in runs.iterdir():
        shutil.rmtree(path)
    names = [one["name"] for one in listed.json()]
    fine = listed.status_code == 200 and len(names) >= 7 and pages <= {404, 409}
    return fine, f"{listed.status_code}, {len(names)} runs; {sorted(pages)}"


def starting(server: Server) -> Seen:
    """A training that has only just been started, seen by a second server."""
    name = server.client.post("/api/training", json=TRAINING | {"name": "first"}).json()["run"]
    with served(home=server.home, log=server.log) as other:
        states = {one["name"]: one["status"] for one in other.client.get("/api/runs").json()}
        second = other.client.post("/api/training", json=TRAINING).status_code
        deleted = other.client.delete(f"/api/runs/{name}").status_code
        cancelled = other.client.post(f"/api/runs/{name}/cancel").status_code
        again = other.client.post(f"/api/runs/{name}/cancel").status_code
    told = (states[name], second, deleted, cancelled, again)
    return told == ("running", 409, 409, 200, 409), ", ".join(map(str, told))


def looking(server: Server) -> Seen:
    """2 000 looks at a run that nobody works on, from 16 sides."""
    with ThreadPoolExecutor(16) as pool:
        states = list(
            pool.map(lambda _: server.client.get("/api/runs").json()[0]["status"], range(2_000))
        )
    return set(states) == {states[0]} and states[0] != "running", f"{len(states)} × {set(states)}"


# -- a stranger's graph --------------------------------------------------------------------


def strange_graphs(_: Server) -> Seen:
    """A constant of 40 GB, a chain of 1 500 products, a size that the pixels decide."""
    sides = numpy_helper.from_array(np.array([100_000, 100_000]), "sides")
    matrix = numpy_helper.from_array(np.zeros((1000, 1000), np.float32), "m")
    chain = [helper.make_node("MatMul", ["m", f"x{n}" if n else "m"], [f"x{n + 1}"])
             for n in range(1500)]  # fmt: skip
    data = [
        helper.make_node("Cast", ["pixels"], ["p"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["p"], ["s"]),
        helper.make_node("Cast", ["s"], ["i"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["i", "one"], ["r"]),
        helper.make_node("ConstantOfShape", ["r"], ["x"]),
    ]
    fill = [helper.make_node("ConstantOfShape", ["sides"], ["x"])]
    one = numpy_helper.from_array(np.array([1]), "one")
    refused = 0
    for nodes in (fill, chain, data):
        names = ("probabilities", "ood_score", "embedding", "prepared")
        ends = [helper.make_node("Cast", ["pixels"], [n], to=TensorProto.FLOAT) for n in names]
        outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names]
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [None] * 4)
        graph = helper.make_graph([*nodes, *ends], "g", [pixels], outputs, [sides, matrix, one])
        model: onnx.ModelProto = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)]
        )
        try:
            check_graph(model.SerializeToString(), "model.onnx")
        except BakeoffError:
            refused += 1
    return refused == 3, f"{refused} of 3 refused before they are loaded"


# -- a run ------------------------------------------------------------------------------------


def full_disk(_: Server) -> Seen:
    """A run where no file may have more than 20 kB."""
    with tempfile.TemporaryDirectory() as folder:
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        ended = subprocess.run(
            _run(Path(folder, "run")), capture_output=True, text=True, check=False, preexec_fn=small
        )
        left = [path.name for path in Path(folder).rglob("*.partial")]
    said = ended.stderr.strip().splitlines()
    fine = ended.returncode == 2 and "Traceback" not in ended.stderr and not left
    return fine, f"exit {ended.returncode}: {said[-1][:60] if said else ''}…; {len(left)} left"


def signals(_: Server) -> Seen:
    """SIGTERM and SIGHUP to a run with two workers."""
    seen, fine = [], True
    for number in (signal.SIGTERM, signal.SIGHUP):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder, "scratch")
            scratch.mkdir()
            command = [*_run(Path(folder, "run"), "cnn"), "--workers", "local:2"]
            environment = os.environ | {"TMPDIR": str(scratch)}
            with subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as process:
                while not any(scratch.glob("bakeoff-*/1.log")):
                    time.sleep(0.05)
                process.send_signal(number)
                out, _error = process.communicate(timeout=60)
            left = len(list(scratch.glob("bakeoff-*")))
            good = b"--resume" in out and b"Traceback" not in out and not left
            if not good:
                print(out.decode(), file=sys.stderr)
            fine &= good
            seen.append(f"{number.name}: exit {process.returncode}, {left} folders left")
    return fine, ", ".join(seen)


def syncing(_: Server) -> Seen:
    """The share of a run's time that it takes to sync what it writes."""
    spent, calls, fsync = 0.0, 0, os.fsync

    def timed(number: int) -> None:
        nonlocal spent, calls
        started = time.perf_counter()
        fsync(number)
        spent += time.perf_counter() - started
        calls += 1

    whole.os.fsync = timed  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        bakeoff.bake("doodles", Path(folder, "run"), approaches=["baseline"], budget="quick")
        took = time.perf_counter() - started
    share = spent / took
    return share <= 0.01, f"{share:.2%} of {took:.0f} s, {calls} calls"


def _run(out: Path, approach: str = "baseline") -> list[str]:
    command = [sys.executable, "-m", "bakeoff", "run", "digits", "--approach", approach]
    return [*command, "--budget", "quick", "--no-open", "--out", str(out)]


FAULTS: list[tuple[str, str, Callable[[Server], Seen]]] = [
    ("64 × 25 megapixels, a line of 14 MB", f"≤ {BUDGET + SPARE} MB more", memory),
    ("80 MB of headers", "431, nobody slower", endless_headers),
    ("999 silent connections, slow headers", "others are answered; 408", silent_connections),
    ("a watched bundle becomes odd", "the last good one serves", watched_bundle),
    ("a training only just started", "running; no second; not deleted", starting),
    ("2 000 looks at a lock", "never running", looking),
    ("a full disk", "one sentence, nothing half-written", full_disk),
    ("odd runs, named pipes", "each is judged alone", odd_runs),
    ("strangers' graphs", "refused before they are loaded", strange_graphs),
    ("50 clients leave in mid-body", "499, nothing in the log", leaving),
    ("a zip of 2 000 large blank pictures", "≤ 40 s of CPU, all accounted for", blank_zip),
    ("SIGTERM and SIGHUP with workers", "no temporary folders", signals),
    ("syncing what is written", "≤ 1 % of a run", syncing),
    ("HEAD, another host", "200, 421", small_ones),
]


def main() -> None:
    """Print a row for each fault."""
    print(f"{hardware()}\n\n| test | expected | seen | |\n|---|---|---|---|")
    held = True
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        run = home / "served"
        subprocess.run(_run(run), check=True, stdout=subprocess.DEVNULL)
        with served(run, "--watch", home=home, log=home / "server.log") as server:
            for name, expected, fault in FAULTS:
                fine, seen = fault(server)
                held &= fine
                print(f"| {name} | {expected} | {seen} | {'holds' if fine else 'FAILS'} |",
                      flush=True)  # fmt: skip
    sys.exit(not held)


if __name__ == "__main__":
    main()
