"""What augmentation gains: a CNN with and without it, on corrupted pictures it never saw.

    python benchmarks/robustness.py DRAWINGS MNIST > benchmarks/robustness.txt

DRAWINGS is a folder of class folders, MNIST the set's name or a folder with its four files, of
which 1 000 training pictures are sampled. "Without" is

    bakeoff run DRAWINGS -a cnn -s cnn.augment=0 -s cnn.background=0

so that pictures are preprocessed as always but never rotated, bent, thickened or drawn on other
backgrounds. Both use the same folds; every picture is answered by the model of the fold that held
it out. Clean accuracy is over all pictures, the others are over a sample: 100 in a quick run.
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

PICTURES = 1000  # of MNIST's training pictures
SETTINGS: dict[str, dict[str, object]] = {"with": {}, "without": {"augment": 0, "background": 0}}


def sample_of(mnist: Dataset) -> Dataset:
    """A random sample of the training pictures."""
    rows = np.arange(len(mnist))
    if mnist.official_test is not None:
        rows = np.flatnonzero(~mnist.official_test)
    chosen = np.sort(np.random.default_rng(0).permutation(rows)[:PICTURES])
    taken = mnist.take(chosen)
    return Dataset(f"{PICTURES} of MNIST", taken.pictures, taken.labels, taken.classes, taken.names)


def results(dataset: Dataset, settings: dict[str, object], options: argparse.Namespace) -> Iterator:
    """The results of the CNN, one run per seed."""
    for seed in range(options.seeds):
        with TemporaryDirectory() as scratch:
            run = bake(
                dataset,
                Path(scratch, "run"),
                approaches=("cnn",),
                settings={"cnn": settings},
                folds=options.folds,
                test=0,
                seed=seed,
                budget=options.budget,
                threads=options.threads,
                bundles=False,
            )
            yield run.results().approaches[0]


def row(name: str, how: str, runs: list[ApproachResult]) -> str:
    """A line of the table: means over the seeds."""
    measured = [one.robustness for one in runs if one.robustness is not None]
    clean = mean(one.out_of_fold.accuracy for one in runs if one.out_of_fold is not None)
    drops = sorted(
        (mean(accuracy_of(one, number) for one in measured), corruption.name)
        for number, corruption in enumerate(measured[0].corruptions)
    )
    worst = ", ".join(f"{change} {accuracy:.1%}" for accuracy, change in drops[:WEAKEST])
    each = " / ".join(f"{one.mean:.1%}" for one in measured)
    changed = mean(one.mean for one in measured)
    return f"| {name} | {how} | {clean:.1%} | {changed:.1%} ({each}) | {worst} |"


def accuracy_of(measured: Robustness, number: int) -> float:
    """The mean accuracy over all strengths of one corruption."""
    return mean(measured.corruptions[number].accuracy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drawings")
    parser.add_argument("mnist", nargs="?", default="mnist")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(hardware())
    print(
        f"\nbudget {options.budget}, {options.folds} folds, {options.seeds} seeds; mean over all "
        f"corruptions at {STRENGTHS} strengths, in brackets by seed\n"
    )
    print("| pictures | augmentation | clean, out of fold | changed | weakest: mean of strengths |")
    print("|---|---|---:|---:|---|")
    for dataset in (read(options.drawings), sample_of(read(options.mnist))):
        for how, settings in SETTINGS.items():
            print(row(dataset.name, how, list(results(dataset, settings, options))), flush=True)


if __name__ == "__main__":
    main()
