"""Runs and searches that are killed at random moments, resumed, and compared with one left alone.

    python benchmarks/kills.py [KILLS] > benchmarks/kills.txt

Each of KILLS (50) small runs or searches gets SIGKILL, with its workers, at a moment drawn from a
seeded generator between its first file and its end; then it is resumed to its end. A run must have
the same `probabilities.npz` to the byte as the run that was left alone, a search the same trials.
One in four is a search; of the others every second one has two workers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from measure import hardware
from PIL import Image

KILLS = 50
RUN = ["--approach", "baseline", "--approach", "scattering", "--folds", "3", "--budget", "quick"]
RUN += ["--threads", "1", "--precision", "fp32", "--no-open"]
SEARCH = ["--approach", "baseline", "--trials", "6", "--inner", "1", "--budget", "quick"]
SEARCH += ["--no-open"]


def main() -> None:
    """Print how many of the killed ones ended as if nothing had happened."""
    kills = int(sys.argv[1]) if sys.argv[1:] else KILLS
    random = np.random.default_rng(0)
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        pictures = _pictures(Path(folder, "pictures"), random)
        alone: dict[str, tuple[object, float]] = {}
        for number in range(kills):
            kind = ("a search", "one worker", "two workers")[
                0 if number % 4 == 3 else number % 2 + 1
            ]
            command = _command(kind, pictures)
            if kind not in alone:
                out = Path(folder, kind.replace(" ", "-"))
                started = time.perf_counter()
                subprocess.run(_at(command, out), check=True, stdout=subprocess.DEVNULL)
                alone[kind] = _result(out), time.perf_counter() - started
            expected, took = alone[kind]
            out = Path(folder, str(number))
            ended = _kill(_at(command, out), out, random.uniform(0, took))
            again = [sys.executable, "-m", "bakeoff", command[0], "--resume", str(out), "--no-open"]
            resumed = subprocess.run(again, capture_output=True, text=True, check=False)
            if ended or "run.json" in resumed.stderr or "tune.json" in resumed.stderr:
                seen = "ended, or was killed before it began"
            elif resumed.returncode:
                seen = f"failed: {resumed.stderr.strip().splitlines()[-1]}"
            else:
                seen = "the same" if _result(out) == expected else "OTHER FIGURES"
            counts[kind, seen] += 1
    print(f"{hardware()}\n\n| what | after the kill and --resume | times |\n|---|---|---|")
    for (kind, seen), times in sorted(counts.items()):
        print(f"| {kind} | {seen} | {times} |")
    sys.exit(any("OTHER" in seen or "failed" in seen for _, seen in counts))


def _pictures(folder: Path, random: np.random.Generator) -> Path:
    """Two classes of 15 strokes."""
    for label in ("rising", "falling"):
        (folder / label).mkdir(parents=True)
        for number in range(15):
            pixels = np.zeros((16, 16), dtype=np.uint8)
            shift = random.integers(-3, 4)
            for x in range(2, 14):
                y = x if label == "falling" else 15 - x
                pixels[np.clip(y + shift, 0, 15), x] = 255
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def _command(kind: str, pictures: Path) -> list[str]:
    if kind == "a search":
        return ["tune", str(pictures), *SEARCH]
    return ["run", str(pictures), *RUN, "--workers", f"local:{1 if kind == 'one worker' else 2}"]


def _at(command: list[str], out: Path) -> list[str]:
    return [sys.executable, "-m", "bakeoff", *command, "--out", str(out)]


def _kill(command: list[str], out: Path, after: float) -> bool:
    """Kill it some seconds after its start, with all it started; whether it had ended by then."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        started = time.perf_counter()
        while not out.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(max(0.0, after - (time.perf_counter() - started)))
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
    return ended


def _result(out: Path) -> object:
    """What must not change: the probabilities of a run, the trials of a search."""
    if (out / "probabilities.npz").is_file():
        return (out / "probabilities.npz").read_bytes()
    (search,) = json.loads((out / "study.json").read_text())["searches"]
    return [(one["number"], one["settings"], one["accuracy"]) for one in search["trials"]]


if __name__ == "__main__":
    main()
