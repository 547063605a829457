"""The CNN on few drawings in three styles: ten folds, and each style held out.

    python benchmarks/drawings.py DRAWINGS > benchmarks/drawings.txt

DRAWINGS is a folder of class folders whose file names begin with their style. Three seeds, each of
the split and of all training; the defaults of `bakeoff run`, but one thread per run and one run
per core. Accuracy is out of fold, over all pictures, and as the mean over styles.
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean

from measure import hardware, run_bakeoff, said, spread

from bakeoff.evaluation.records import Scores

SEEDS = (0, 1, 2)
WAYS = (["--folds", "10"], ["--leave-one-group-out"])


def main() -> None:
    """Print a row for each way of splitting."""
    arguments = ["run", str(Path(sys.argv[1]).resolve())]
    arguments += ["--group", "^[a-z]+", "--approach", "cnn"]
    commands = [[*arguments, *way, "--seed", str(seed)] for way in WAYS for seed in SEEDS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        finished = list(pool.map(_scores, commands))
    print(f"{hardware()}; mean ± deviation of seeds {', '.join(map(str, SEEDS))}\n")
    print(f"    {said(arguments)} WAY\n")
    groups = [group.name for group in finished[0].per_group]
    print(f"| way | pictures | styles, mean | {' | '.join(groups)} |")
    print("|---" * (3 + len(groups)) + "|")
    for place, way in enumerate(WAYS):
        rows = []
        for scores in finished[place * len(SEEDS) :][: len(SEEDS)]:
            by_group = [group.accuracy for group in scores.per_group]
            rows.append([scores.accuracy, mean(by_group), *by_group])
        columns = [spread(column, ".2%") for column in zip(*rows, strict=True)]
        print(f"| {' '.join(way)} | {' | '.join(columns)} |")


def _scores(arguments: list[str]) -> Scores:
    with tempfile.TemporaryDirectory() as folder:
        measured = run_bakeoff([*arguments, "--threads", "1"], Path(folder, "run"))
    (one,) = measured.results.approaches
    assert one.out_of_fold is not None, "there are folds"
    return one.out_of_fold


if __name__ == "__main__":
    main()
