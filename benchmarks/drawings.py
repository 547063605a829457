"""Few drawings in three styles: ten folds, and each style by models that never saw it.

    python benchmarks/drawings.py DRAWINGS > benchmarks/drawings.txt

DRAWINGS is a folder of class folders whose file names begin with their style. Three seeds, each of
the split and of all training; the defaults of `bakeoff run`, but for one thread a run, so that
there are as many runs at a time as cores. Accuracy is out of fold, over all pictures, and for the
styles also their plain mean.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean

from measure import Measured, hardware, run_bakeoff, said, spread

APPROACHES = ("cnn", "transfer")
SEEDS = (0, 1, 2)


def main() -> None:
    """Print a row for each approach and way of splitting."""
    arguments = ["run", str(Path(sys.argv[1]).resolve()), "--group", "^[a-z]+"]
    for name in APPROACHES:
        arguments += ["--approach", name]
    print(f"{hardware()}; mean ± deviation of seeds {', '.join(map(str, SEEDS))}")
    for ways in (["--folds", "10"], ["--leave-one-group-out"]):
        print(f"\n    {said([*arguments, *ways])}\n", flush=True)
        rows: dict[str, list[list[float]]] = {name: [] for name in APPROACHES}
        groups: list[str] = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            finished = list(pool.map(_run, ([*arguments, *ways, "--seed", str(n)] for n in SEEDS)))
        for measured in finished:
            for one in measured.results.approaches:
                assert one.out_of_fold is not None, "there are folds"
                by_group = [group.accuracy for group in one.out_of_fold.per_group]
                groups = [group.name for group in one.out_of_fold.per_group]
                rows[one.name].append([one.out_of_fold.accuracy, mean(by_group), *by_group])
        print(f"| approach | pictures | styles, mean | {' | '.join(groups)} |")
        print("|---" * (3 + len(groups)) + "|")
        for name, runs in rows.items():
            columns = [spread(column, ".2%") for column in zip(*runs, strict=True)]
            print(f"| {name} | {' | '.join(columns)} |")


def _run(arguments: list[str]) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        return run_bakeoff([*arguments, "--threads", "1"], Path(folder, "run"))


if __name__ == "__main__":
    main()
