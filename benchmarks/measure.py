"""One `bakeoff` process from start to end, with the operating system's own figures for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Results
from bakeoff.training.compute import processor

__all__ = ["Measured", "hardware", "run_bakeoff", "said", "spread"]


@dataclass(frozen=True)
class Measured:
    """A finished process, and the results it left."""

    exit: int
    seconds: float
    peak_mb: float
    results: Results


def run_bakeoff(arguments: Sequence[str], folder: Path) -> Measured:
    """`bakeoff` with these arguments, leaving its run in `folder`."""
    command = [sys.executable, "-m", "bakeoff", *arguments, "--no-open", "--out", str(folder)]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    results = RunFolder.open(folder).results()
    return Measured(process.returncode, seconds, used.ru_maxrss / 1024, results)


def said(arguments: Sequence[str]) -> str:
    """The command as a reader would type it, wherever the pictures lie."""
    names = (Path(one).name if Path(one).is_absolute() else one for one in arguments)
    return f"bakeoff {' '.join(names)}"


def hardware() -> str:
    """What was measured on, and when."""
    return f"{processor()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"


def spread(values: Sequence[float], form: str) -> str:
    """Mean and deviation of some runs, each in this format."""
    return f"{mean(values):{form}} ± {stdev(values):{form}}"
