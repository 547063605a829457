"""Runs and searches that are killed at random moments, resumed, and compared with one left alone.

    python benchmarks/kills.py [KILLS] > benchmarks/kills.txt

KILLS (50) times a small run or search, with one worker, two, or on Ray, gets SIGKILL, with all the
processes that it started, at a moment drawn from a seeded generator between its first file and the
time that one left alone takes; those that end earlier do not count. Then it is resumed to its end,
or, if it was killed before it began, started again in the same folder. A run must then have the
same `probabilities.npz`, to the byte, as the run with one worker that was left alone; a search the
same trials. (Two aims, so that no trial is pruned: what is pruned depends on which trials ended
before. From the eleventh on, so do the settings that a search tries.)
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
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from measure import hardware
from PIL import Image

KILLS = 50
RUN = ["--approach", "baseline", "--approach", "scattering", "--folds", "3", "--budget", "quick"]
RUN += ["--threads", "1", "--precision", "fp32"]
SEARCH = ["--approach", "baseline", "--trials", "6", "--inner", "1", "--budget", "quick"]
SEARCH += ["--threads", "1", "--aim", "loss,size"]
WORKERS = {"one worker": "local:1", "two workers": "local:2", "Ray": "ray"}
# Ray takes four times as long to start as the rest of such a run takes.
TURNS = [("run", "one worker"), ("tune", "two workers"), ("run", "two workers"), ("run", "Ray")]
TURNS += [("tune", "one worker"), ("run", "two workers"), ("run", "one worker"), ("tune", "Ray")]
BAKEOFF = [sys.executable, "-m", "bakeoff"]
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PATIENCE = 300  # seconds for a run that is resumed


def main() -> None:
    """Print how many of the killed ones ended as if nothing had happened."""
    kills = int(sys.argv[1]) if sys.argv[1:] else KILLS
    random = np.random.default_rng(0)
    counts: Counter[tuple[str, str, str]] = Counter()
    alone: dict[str, object] = {}
    took: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RAY_TMPDIR"] = folder  # no cluster that others may have here
        pictures = _pictures(Path(folder, "pictures"), random)
        for command in ("run", "tune"):
            for workers in WORKERS:
                out = Path(folder, f"{command} {workers}")
                started = time.perf_counter()
                subprocess.run(_asked(command, workers, pictures, out), check=True, **QUIET)
                took[command, workers] = time.perf_counter() - started
                same = _result(out) == alone.setdefault(command, _result(out))
                print(f"{command} {workers} left alone: {same}", file=sys.stderr, flush=True)
                assert same, f"{command} with {workers} differs without any kill"
        for number in count():
            if sum(counts.values()) == kills:
                break
            command, workers = TURNS[sum(counts.values()) % len(TURNS)]
            out = Path(folder, str(number))
            asked = _asked(command, workers, pictures, out)
            if not _killed(asked, out, random.uniform(0, took[command, workers])):
                continue
            began = (out / ("run.json" if command == "run" else "tune.json")).is_file()
            again = _resumed(command, workers, out) if began else asked
            done = subprocess.run(
                again, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
            if done.returncode:
                words = (done.stderr.strip() or "no words").splitlines()[-1]
                seen = f"FAILED: {words.replace(folder, '')}"
            else:
                seen = "the same" if _result(out) == alone[command] else "OTHER FIGURES"
            counts[command, f"{workers}{'' if began else ', before it began'}", seen] += 1
            print(f"{number} {command} {workers}: {seen}", file=sys.stderr, flush=True)
    print(f"{hardware()}\n\n| bakeoff | killed with | then | times |\n|---|---|---|---|")
    for (command, workers, seen), times in sorted(counts.items()):
        print(f"| {command} | {workers} | {seen} | {times} |")
    same = sum(times for (_, _, seen), times in counts.items() if seen == "the same")
    print(f"\n{same} of {kills} ended with the same figures")
    sys.exit(same < kills)


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


def _asked(command: str, workers: str, pictures: Path, out: Path) -> list[str]:
    options = [*(RUN if command == "run" else SEARCH), "--workers", WORKERS[workers]]
    return [*BAKEOFF, command, str(pictures), *options, "--no-open", "--out", str(out)]


def _resumed(command: str, workers: str, out: Path) -> list[str]:
    options = ["--workers", WORKERS[workers], "--no-open"]
    return [*BAKEOFF, command, "--resume", str(out), *options]


def _killed(asked: list[str], out: Path, after: float) -> bool:
    """Kill it some seconds after its start, with all it started; False if it had ended by then."""
    with subprocess.Popen(asked, start_new_session=True, **QUIET) as process:
        started = time.perf_counter()
        while not out.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(max(0.0, after - (time.perf_counter() - started)))
        if process.poll() is not None:
            return False
        started_too = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        for child in started_too:  # those of Ray have groups of their own
            with suppress(psutil.NoSuchProcess):
                child.kill()
    return True


def _result(out: Path) -> object:
    """What must not change: the probabilities of a run, the trials of a search."""
    if (out / "probabilities.npz").is_file():
        return (out / "probabilities.npz").read_bytes()
    (search,) = json.loads((out / "study.json").read_text())["searches"]
    return [(one["number"], one["settings"], one["accuracy"]) for one in search["trials"]]


if __name__ == "__main__":
    main()
