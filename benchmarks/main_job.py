"""The main job from start to end: its time, its memory and its scores.

    python benchmarks/main_job.py DRAWINGS RUNS [MNIST] > benchmarks/main_job.txt

DRAWINGS is a folder of class folders whose file names begin with their group; RUNS a new folder
that keeps the runs for the benchmarks of bundles; MNIST, hours of work, a folder with the four IDX
files (`bakeoff fetch mnist` downloads them). Each run is its own process, one after the other, with
the defaults of `bakeoff run` and seed 0; wall time and peak memory are the operating system's own
figures for the finished process. n = 1: seeds differ by about a point on 431 drawings and by a
tenth of a point on MNIST.
"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import hardware, run_bakeoff, said


def measure(name: str, arguments: list[str], folder: Path) -> None:
    """Run `bakeoff` once and print a row for each approach."""
    measured = run_bakeoff(arguments, folder)
    results = measured.results
    print(f"\n## {name}\n\n    {said(arguments)}\n")
    print(
        f"exit {measured.exit}, {measured.seconds:.0f} s, peak memory {measured.peak_mb:.0f} MB\n"
    )
    print("| approach | out of fold | loss | test | loss | training, s | groups |")
    print("|---|---|---|---|---|---|---|")
    for one in results.approaches:
        cells = [one.name]
        for scores in (one.out_of_fold, one.test):
            cells += [f"{scores.accuracy:.2%}", f"{scores.loss:.4f}"] if scores else ["–", "–"]
        cells.append(f"{one.seconds.folds + one.seconds.final:.0f}")
        groups = one.out_of_fold.per_group if one.out_of_fold else []
        cells.append(", ".join(f"{group.name} {group.accuracy:.1%}" for group in groups) or "–")
        print(f"| {' | '.join(cells)} |")
    print(f"\n{results.winner.why}", flush=True)


def main() -> None:
    """Measure the demo, the drawings twice, and MNIST where it is given."""
    drawings, runs, *mnist = (Path(argument).resolve() for argument in sys.argv[1:])
    print(hardware())
    grouped = ["--group", "^[a-z]+"]
    measure("Demo", ["demo"], runs / "demo")
    measure("431 drawings, 5 folds", ["run", str(drawings), *grouped], runs / "drawings")
    measure(
        "431 drawings, leave one style out",
        ["run", str(drawings), *grouped, "--leave-one-group-out"],
        runs / "styles",
    )
    for pictures in mnist:
        measure("MNIST, official test", ["run", str(pictures), "--folds", "0"], runs / "mnist")


if __name__ == "__main__":
    main()
