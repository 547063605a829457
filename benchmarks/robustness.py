"""What augmentation is for: a CNN with and without it, on changed pictures it never saw.

    python benchmarks/brittleness.py DRAWINGS MNIST > benchmarks/brittleness.txt

DRAWINGS is a folder of drawings of one class each, MNIST the set's name or a folder with its four
files, of which 1 000 training pictures are taken. "Without" is

    bakeoff run DRAWINGS -a cnn -s cnn.augment=0 -s cnn.background=0

so that the pictures are prepared as ever, but never turned, bent, thickened or printed on other
paper. Both see the same folds; every answer is by the model of the fold that held the picture out.
Clean accuracy is that of all pictures, the other figures are of a sample: 100 in a quick run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np
from measure import hardware

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.evaluation.corruptions import STRENGTHS
from bakeoff.evaluation.records import Robustness
from bakeoff.evaluation.robustness import WEAKEST
from bakeoff.record.results import ApproachResult
from bakeoff.run.bake import bake

SOME = 1000  # of MNIST's training pictures
SETTINGS: dict[str, dict[str, object]] = {"with": {}, "without": {"augment": 0, "background": 0}}


def some_of(mnist: Dataset) -> Dataset:
    """Training pictures alone, drawn by lot."""
    rows = np.arange(len(mnist))
    if mnist.official_test is not None:
        rows = np.flatnonzero(~mnist.official_test)
    chosen = np.sort(np.random.default_rng(0).permutation(rows)[:SOME])
    taken = mnist.take(chosen)
    return Dataset(f"{SOME} of MNIST", taken.pictures, taken.labels, taken.classes, taken.names)


def results(dataset: Dataset, settings: dict[str, object], asked: argparse.Namespace) -> Iterator:
    """The CNN's, a run a seed."""
    for seed in range(asked.seeds):
        with TemporaryDirectory() as scratch:
            run = bake(
                dataset,
                Path(scratch, "run"),
                approaches=("cnn",),
                settings={"cnn": settings},
                folds=asked.folds,
                test=0,
                seed=seed,
                budget=asked.budget,
                threads=asked.threads,
                bundles=False,
            )
            yield run.results().approaches[0]


def row(name: str, how: str, found: list[ApproachResult]) -> str:
    """A line of the table: means over the seeds."""
    stood = [one.robustness for one in found if one.robustness is not None]
    clean = mean(one.out_of_fold.accuracy for one in found if one.out_of_fold is not None)
    drops = sorted(
        (mean(accuracy_of(one, number) for one in stood), corruption.name)
        for number, corruption in enumerate(stood[0].corruptions)
    )
    worst = ", ".join(f"{change} {accuracy:.1%}" for accuracy, change in drops[:WEAKEST])
    each = " / ".join(f"{one.mean:.1%}" for one in stood)
    changed = mean(one.mean for one in stood)
    return f"| {name} | {how} | {clean:.1%} | {changed:.1%} ({each}) | {worst} |"


def accuracy_of(stood: Robustness, number: int) -> float:
    """Over all strengths of one change."""
    return mean(stood.corruptions[number].accuracy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drawings")
    parser.add_argument("mnist", nargs="?", default="mnist")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    print(hardware())
    print(
        f"\nbudget {asked.budget}, {asked.folds} folds, {asked.seeds} seeds; mean over all changes "
        f"at {STRENGTHS} strengths, in brackets by seed\n"
    )
    print("| pictures | augmentation | clean, out of fold | changed | weakest: mean of strengths |")
    print("|---|---|---:|---:|---|")
    for dataset in (read(asked.drawings), some_of(read(asked.mnist))):
        for how, settings in SETTINGS.items():
            print(row(dataset.name, how, list(results(dataset, settings, asked))), flush=True)


if __name__ == "__main__":
    main()
