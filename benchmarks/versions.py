"""A command in two versions of bakeoff, in turns: seconds, memory, and what came out.

    git worktree add /tmp/other d471c18
    (cd /tmp/other && python hatch_build.py)
    eval "$(python benchmarks/avx2.py /tmp/avx2)"
    python benchmarks/versions.py /tmp/other 3 run doodles --budget quick --precision fp32

The arguments are the folder of the other version, how often each runs, and what follows `bakeoff`.
Both use the packages of this Python, and each run a cache of its own that is empty at first.
Memory is that of the largest process.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import hardware, said

from bakeoff.record.folder import RunFolder

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """One process from start to end: seconds by the clock and of processors, MB, and shares."""

    wall: float
    busy: float
    peak_mb: float
    right: dict[str, float]


def main() -> None:
    """Print a row for each run, the medians and their ratios."""
    other, times, *arguments = sys.argv[1:]
    trees = {commit_of(Path(other)): Path(other).resolve(), f"{commit_of(HERE)} (this one)": HERE}
    print(f"{hardware()}; both versions in turns\n\n    {said(arguments)}\n")
    print("| commit | seconds | of processors | memory, MB | out of fold |")
    print("|---|---|---|---|---|", flush=True)
    runs: dict[str, list[Run]] = {commit: [] for commit in trees}
    for _ in range(int(times)):
        for commit, tree in trees.items():
            one = run(tree, arguments)
            runs[commit].append(one)
            right = ", ".join(f"{name} {share:.2%}" for name, share in one.right.items())
            print(
                f"| {commit} | {one.wall:.1f} | {one.busy:.0f} | {one.peak_mb:.0f} | {right} |",
                flush=True,
            )
    before, now = ([of(each) for of in KINDS] for each in runs.values())
    for commit, values in zip(runs, (before, now), strict=True):
        print(f"| **{commit}, median** | {values[0]:.1f} | {values[1]:.0f} | {values[2]:.0f} | |")
    ratios = [new / old for old, new in zip(before, now, strict=True)]
    print("| **ratio** | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " | |")


def _wall(runs: Sequence[Run]) -> float:
    return median(each.wall for each in runs)


def _busy(runs: Sequence[Run]) -> float:
    return median(each.busy for each in runs)


def _peak(runs: Sequence[Run]) -> float:
    return median(each.peak_mb for each in runs)


KINDS = (_wall, _busy, _peak)


def commit_of(tree: Path) -> str:
    """The short name of the commit that a folder shows."""
    command = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(tree: Path, arguments: Sequence[str]) -> Run:
    """Run `bakeoff` of this folder once."""
    # Behind what `avx2.py` put first.
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = [path for path in paths if not Path(path).resolve().is_relative_to(HERE)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*paths, str(tree / "src")]),
            "BAKEOFF_CACHE": f"{folder}/cache",
        }
        command = [sys.executable, "-m", "bakeoff", *arguments, "--no-open", "--out"]
        command.append(f"{folder}/run")
        started = time.perf_counter()
        with subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.DEVNULL
        ) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
        results = RunFolder.open(Path(folder) / "run").results()
        right = {
            each.name: each.out_of_fold.accuracy for each in results.approaches if each.out_of_fold
        }
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, right)


if __name__ == "__main__":
    main()
