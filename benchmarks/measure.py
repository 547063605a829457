"""What benchmarks share: one `bakeoff` process from start to end, parts of MNIST, and words."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Results
from bakeoff.training.compute import processor

__all__ = [
    "Measured",
    "done_once",
    "first_digits",
    "hardware",
    "run_bakeoff",
    "said",
    "some_training",
    "spread",
]


@dataclass(frozen=True)
class Measured:
    """A finished process and its results."""

    exit: int
    seconds: float
    peak_mb: float
    results: Results


def run_bakeoff(arguments: Sequence[str], folder: Path) -> Measured:
    """Run `bakeoff` with these arguments and its run in `folder`."""
    command = [sys.executable, "-m", "bakeoff", *arguments, "--no-open", "--out", str(folder)]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    results = RunFolder.open(folder).results()
    return Measured(process.returncode, seconds, used.ru_maxrss / 1024, results)


def done_once(arguments: Sequence[str], folder: Path) -> RunFolder:
    """The run in `folder`, which is done unless it is there, finished."""
    if not (folder / "results.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run_bakeoff(arguments, folder)
    return RunFolder.open(folder)


def first_digits(mnist: Path, folder: Path, count: int, *, test: bool) -> Path:
    """The first digits of MNIST's training part as IDX files; with `test`, its test part too."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in mnist.glob("*.gz" if test else "train*.gz"):
        data = bytearray(gzip.decompress(path.read_bytes()))
        if path.name.startswith("train"):
            head, each = (16, 28 * 28) if "images" in path.name else (8, 1)
            data[4:8] = count.to_bytes(4, "big")
            data = data[: head + count * each]
        (folder / path.stem).write_bytes(data)
    return folder


def some_training(dataset: Dataset, count: int) -> Dataset:
    """That many of MNIST's training pictures, at random but the same each time, as a whole set."""
    assert dataset.official_test is not None, "MNIST has a test part"
    training = np.flatnonzero(~dataset.official_test)
    rows = np.sort(np.random.default_rng(0).choice(training, count, replace=False))
    return replace(dataset.take(rows), official_test=None)


def said(arguments: Sequence[str]) -> str:
    """The command as a reader would type it, without local paths."""
    names = (Path(one).name if Path(one).is_absolute() else one for one in arguments)
    return f"bakeoff {' '.join(names)}"


def hardware() -> str:
    """The machine, what it was restricted to by `avx2.py`, and the date."""
    restricted = " restricted to AVX2" if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2" else ""
    return f"{processor()}{restricted}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"


def spread(values: Sequence[float], form: str) -> str:
    """Mean and standard deviation in this format."""
    return f"{mean(values):{form}} ± {stdev(values):{form}}"
