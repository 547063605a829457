"""An hour of a busy server: 64 clients with mixed bodies, swapped bundles, a training under way.

    python benchmarks/soak.py [--minutes 60] > benchmarks/soak.txt

Everything is on loopback. Each of the 64 clients waits between two requests for a time drawn from
an exponential law with a mean of `THINKING` seconds, so that requests come as they do from 64
people, and the server is busy but not full. Of the bodies, 10 % are malformed (those of
`malformed.py`), 1 % are huge (a picture of 25 megapixels, a line of 14 MB, more than the bound),
1 % belong to clients that leave in mid-body; the others are ordinary: one picture, a table, a form
or a zip. The served bundle is replaced every 30 seconds by another one, and a training is always
under way: the next begins when one has ended, and the run before it is deleted.

So that other jobs of a shared machine count little, the server and the clients have the niceness
-10 where that is permitted (the trainings have 5, as always), and the server's temporary files are
in memory. Without that, a busy disk alone held requests with a table or a zip for a second. Where
Linux shares the processor among sessions first, niceness counts within one only: on a machine with
other jobs, set kernel.sched_autogroup_enabled to 0.

It checks that no response has a status of 5xx other than 503; that every ordinary request has an
answer within a minute; that after the first ten minutes (or a sixth of the time) the memory of the
server, as the median of a minute, stays within 10 % of its own median; that the 99th percentile of
the time of ordinary requests is at most 6 times their median; that every swap is served; that every
training ends well; and that nothing is in the log. Times are those that the clients see. Exit code
1 unless all of it holds. Needs Linux and bakeoff[train].
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import psutil
from faults import Server, png, served
from malformed import VALID, Sent, spoiled
from measure import hardware

from bakeoff.bundle.bundle import find_bundles
from bakeoff.bundle.pack import pack

CLIENTS, THINKING, SWAP_EVERY = 64, 2.0, 30
MALFORMED, HUGE, LEAVING = 0.10, 0.01, 0.01
FLAT, TAIL = 1.10, 6.0
LIMIT = 60  # seconds for a response
KEPT = 4.0  # seconds without a request; the server closes a connection after 5
TRAINING = {"set": "digits", "approaches": ["scattering", "cnn"], "budget": "quick", "folds": 3}
ORDINARY: list[Sent] = [sent for sent in VALID if sent[0] == "/api/predict"]
MB = 1e6


def main() -> None:
    """Soak a server for some minutes and print what held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        packs = _packs(home)
        bundle = home / "digits.bakeoff"
        shutil.copy(packs[0], bundle)
        log = home / "server.log"
        os.environ["TMPDIR"] = "/dev/shm"
        with suppress(PermissionError):
            os.nice(-10)
        with served(bundle, "--watch", home=home, log=log) as server:
            soak = Soak(server, bundle, packs, 60 * minutes)
            soak.run()
        held = soak.report(minutes, log.read_text())
    sys.exit(not held)


def _packs(home: Path) -> list[Path]:
    """Two bundles of one approach, with titles of their own."""
    run = home / "made"
    command = [sys.executable, "-m", "bakeoff", "run", "digits", "--approach", "scattering"]
    command += ["--budget", "quick", "--folds", "2", "--no-open", "--out", str(run)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (made,) = find_bundles(run)
    packs = []
    for title in ("one", "two"):
        manifest = made / "bundle.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"title": title}))
        packs.append(home / f"{title}.bakeoff")
        pack(made, packs[-1])
    shutil.rmtree(run)
    return packs


class Soak:
    """What happens to a server meanwhile, and what was seen of it."""

    def __init__(self, server: Server, bundle: Path, packs: list[Path], seconds: float) -> None:
        self.server = server
        self.bundle = bundle
        self.packs = packs
        self.seconds = seconds
        self.started = time.monotonic()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.took: dict[str, list[float]] = defaultdict(list)
        self.memory: list[tuple[float, float]] = []  # seconds since the start, MB
        self.load: list[float] = []
        self.swaps: Counter[str] = Counter()
        self.trainings: Counter[str] = Counter()
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._before: dict[http.client.HTTPConnection, str] = {}
        url = server.client.base_url
        self._address = f"{url.host}:{url.port}"
        blank = png(5000, "RGBA")
        line = b",".join([b"7"] * 7_000_000)
        self._huge = [blank, line, bytes(25_000_000)]

    def run(self) -> None:
        """Everything at once, until the time is over."""
        beside: list[Callable[[], None]] = [self._watch_memory, self._swap, self._train]
        with ThreadPoolExecutor(CLIENTS + len(beside)) as pool:
            tasks = [pool.submit(task) for task in beside]
            tasks += [pool.submit(self._client, number) for number in range(CLIENTS)]
        self.errors = [repr(error) for task in tasks if (error := task.exception()) is not None]

    @property
    def _passed(self) -> float:
        return time.monotonic() - self.started

    def _every(self, seconds: float) -> Iterator[None]:
        """At these intervals until the end."""
        while self._passed + seconds < self.seconds:
            time.sleep(seconds)
            yield

    # -- clients ------------------------------------------------------------------------------

    def _client(self, number: int) -> None:
        random = np.random.default_rng(number)
        connection = http.client.HTTPConnection(self._address, timeout=LIMIT)
        while self._passed < self.seconds:
            pause = random.exponential(THINKING)
            time.sleep(pause)
            if pause > KEPT:
                connection.close()
            share = random.random()
            if share < LEAVING:
                connection.close()  # else its pause would be two
                self._leave()
            elif share < LEAVING + HUGE:
                body = self._huge[int(random.integers(len(self._huge)))]
                self._ask(connection, "huge", ("/api/predict", {}, body))
            elif share < LEAVING + HUGE + MALFORMED:
                self._ask(connection, "malformed", spoiled(random))
            else:
                self._ask(connection, "ordinary", ORDINARY[int(random.integers(len(ORDINARY)))])
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, kind: str, sent: Sent) -> None:
        path, headers, body = sent
        before = self._before.pop(connection, "nothing")
        started = time.perf_counter()
        try:
            if connection.sock is None:
                before = "nothing"
                connection.connect()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            seen = str(response.status)
        except TimeoutError:
            seen = "no answer in time"
            connection.close()
        except (http.client.HTTPException, OSError):
            # Refused while it still sent more than the bound, or ended by what came before.
            seen = f"closed by the server, after {before}"
            connection.close()
        took = time.perf_counter() - started
        with self._lock:
            self.counts[kind, seen] += 1
            self.took[kind].append(took)
            self._before[connection] = kind

    def _leave(self) -> None:
        with self.server.connect() as one:
            one.sendall(
                b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\nab"
            )
        with self._lock:
            self.counts["leaving", "left"] += 1

    # -- what happens meanwhile -----------------------------------------------------------------

    def _watch_memory(self) -> None:
        process = psutil.Process(self.server.process.pid)
        for _ in self._every(1):
            self.memory.append((self._passed, process.memory_info().rss / MB))
            self.load.append(os.getloadavg()[0])

    def _swap(self) -> None:
        number = 0
        with httpx.Client(base_url=self.server.client.base_url, timeout=LIMIT) as client:
            for _ in self._every(SWAP_EVERY):
                number += 1
                fresh = self.packs[number % 2]
                shutil.copy(fresh, self.bundle.with_suffix(".new"))
                self.bundle.with_suffix(".new").replace(self.bundle)
                until = time.monotonic() + SWAP_EVERY / 2
                while (shown := client.get("/api/models").json()[0]["title"]) != fresh.stem:
                    if time.monotonic() > until:
                        break
                    time.sleep(0.2)
                self.swaps["served" if shown == fresh.stem else "not served"] += 1

    def _train(self) -> None:
        name = former = None
        with httpx.Client(base_url=self.server.client.base_url, timeout=LIMIT) as client:
            for _ in self._every(1):
                runs = {one["name"]: one["status"] for one in client.get("/api/runs").json()}
                if name is not None and runs.get(name) == "running":
                    continue
                if name is not None:
                    self.trainings[runs.get(name, "lost")] += 1
                if former is not None:
                    client.delete(f"/api/runs/{former}").raise_for_status()
                former, count = name, sum(self.trainings.values())
                answer = client.post("/api/training", json=TRAINING | {"name": f"soak {count}"})
                name = answer.raise_for_status().json()["run"]
            client.post(f"/api/runs/{name}/cancel")

    # -- what was seen --------------------------------------------------------------------------

    def report(self, minutes: float, log: str) -> bool:
        """Print everything; whether all of it held."""
        print(f"{hardware()}, load {median(self.load):.1f} (median), with this\n")
        print(
            f"{CLIENTS} clients, {minutes:g} minutes, {THINKING:g} s between two requests of each"
        )
        print("\n| bodies | response | times |\n|---|---|---|")
        for (kind, seen), times in sorted(self.counts.items()):
            print(f"| {kind} | {seen} | {times} |")
        print("\n| bodies | median | 95 % | 99 % | longest |\n|---|---|---|---|---|")
        for kind, took in sorted(self.took.items()):
            marks = [f"{1e3 * np.quantile(took, q):.1f} ms" for q in (0.5, 0.95, 0.99, 1)]
            print(f"| {kind} | {' | '.join(marks)} |")
        by_minute = self._by_minute()
        shown = ", ".join(f"{megabytes:.0f}" for megabytes in by_minute)
        print(f"\nmemory of the server, median of each minute, in MB: {shown}\n")
        print("| test | expected | seen | |\n|---|---|---|---|")
        held = True
        for name, expected, fine, seen in self._checks(by_minute, log):
            held &= fine
            print(f"| {name} | {expected} | {seen} | {'holds' if fine else 'FAILS'} |")
        return held

    def _by_minute(self) -> list[float]:
        minutes: dict[int, list[float]] = defaultdict(list)
        for second, megabytes in self.memory:
            minutes[int(second // 60)].append(megabytes)
        return [median(minutes[minute]) for minute in sorted(minutes)]

    def _checks(self, by_minute: list[float], log: str) -> Iterator[tuple[str, str, bool, str]]:
        bad = {
            (kind, seen): times
            for (kind, seen), times in self.counts.items()
            if seen == "no answer in time"
            or (seen.startswith("5") and seen != "503")
            or (kind == "ordinary" and seen.startswith("closed"))
        }
        busy = sum(times for (_, seen), times in self.counts.items() if seen == "503")
        words = f"{sum(bad.values())} of {sum(self.counts.values())}, and 503 {busy} times"
        yield "5xx other than 503; ordinary requests without an answer", "0", not bad, words
        first = min(10, len(by_minute) // 6)
        settled = by_minute[first:]
        middle, low, high = median(settled), min(settled), max(settled)
        flat = high <= FLAT * middle and low >= middle / FLAT
        words = f"{low:.0f} to {high:.0f} MB, {low / middle - 1:+.1%} to {high / middle - 1:+.1%}"
        yield f"memory after minute {first}", f"within {FLAT - 1:.0%} of its median", flat, words
        p50, p99 = np.quantile(self.took["ordinary"], (0.5, 0.99))
        words = f"{p99 / p50:.1f} × {1e3 * p50:.1f} ms"
        yield "p99 of ordinary requests", f"≤ {TAIL:g} × p50", bool(p99 <= TAIL * p50), words
        fine = not self.swaps["not served"] and self.swaps["served"] > 0
        words = f"{self.swaps['served']} of {sum(self.swaps.values())}"
        yield "swapped bundles", "all served", fine, words
        words = ", ".join(f"{times} {status}" for status, times in self.trainings.items()) or "none"
        fine = set(self.trainings) <= {"finished"}
        yield "trainings that ended", "all finished", fine, words
        yield "errors of this script", "none", not self.errors, "; ".join(self.errors) or "none"
        yield "the server's log", "empty", not log, f"{len(log)} characters"
        if log:
            print(f"The log ends with: {log[-2000:]}", file=sys.stderr)


if __name__ == "__main__":
    main()
