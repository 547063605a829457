"""Seconds from a command until its page is up, and until the first model answers a picture there.

    python benchmarks/first_answer.py > benchmarks/first_answer.txt
    python benchmarks/first_answer.py --rounds 3 -- run drawings --group '^[a-z]+' --open

Each round starts the command twice: with an empty cache, as on a new machine, and with the traces
that the first left there. What runs is stopped as soon as it has answered.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import httpx
from measure import hardware, said

from bakeoff.data.image import to_png
from bakeoff.data.read import read

PATIENCE = 600.0
PAUSE = 0.05


def main() -> None:
    """Print the seconds of every round, and their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="*", default=["demo"])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{hardware()}; {said(given.command)}\n")
    print("| cache | the page is up | the first answer |\n|---|---|---|")
    found: dict[str, list[tuple[float, float]]] = {"empty": [], "kept": []}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as cache:
            for name, rows in found.items():
                rows.append(seconds_of(given.command, Path(cache)))
                print(f"| {name} | {rows[-1][0]:.1f} | {rows[-1][1]:.1f} |", flush=True)
    for name, rows in found.items():
        page, answer = (median(values) for values in zip(*rows, strict=True))
        print(f"| **{name}, median** | {page:.1f} | {answer:.1f} |")


def seconds_of(command: Sequence[str], cache: Path) -> tuple[float, float]:
    """Until the page is up, and until a model of the run has answered."""
    environment = {**os.environ, "DISPLAY": ":0", "BROWSER": "true", "BAKEOFF_CACHE": str(cache)}
    with tempfile.TemporaryDirectory() as home:
        out = Path(home) / "runs" / "timed"
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "bakeoff", *command, "--out", str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env=environment,
        ) as process:
            try:
                address = next(addresses(process))
                with httpx.Client(base_url=address, timeout=PATIENCE) as client:
                    until(client, "GET", "/healthz")
                    page = time.perf_counter() - started
                    models = f"/api/runs/{out.name}/models"
                    found = until(client, "POST", models).json()
                    answer(client, found[0]["name"])
                    return page, time.perf_counter() - started
            finally:
                process.terminate()


def addresses(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints is read to its end, so that it never waits for a reader."""
    assert process.stdout is not None
    for line in process.stdout:
        if address := re.search(r"http://[\d.:]+", line):
            rest = threading.Thread(target=process.stdout.read, daemon=True)
            rest.start()
            yield address[0]
    raise SystemExit("it ended without a page")


def until(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """The first response that says something."""
    end = time.perf_counter() + PATIENCE
    while time.perf_counter() < end:
        try:
            response = client.request(method, path)
        except httpx.TransportError:
            response = None
        if response and response.is_success and response.json():
            return response
        time.sleep(PAUSE)
    raise SystemExit(f"{path} says nothing after {PATIENCE:.0f} s")


def answer(client: httpx.Client, model: str) -> None:
    picture = to_png(read("doodles").pictures[0])
    response = client.post(
        "/api/predict", params={"model": model}, files={"files": ("doodle.png", picture)}
    )
    assert response.json()["models"][0]["answers"]


if __name__ == "__main__":
    main()
