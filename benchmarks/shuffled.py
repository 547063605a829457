"""Shuffled labels: every approach on pictures from which nothing can be learned.

    python benchmarks/shuffled.py MNIST > benchmarks/shuffled.txt

MNIST is a folder with its four files. Five runs, each on 500 of its training pictures whose labels
are shuffled; four approaches, budget quick. Chance is the share of the most frequent class.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import hardware

from bakeoff import bake, read
from bakeoff.data.dataset import Dataset
from bakeoff.evaluation.compare import guessing
from bakeoff.evaluation.prose import percent, span
from bakeoff.record.results import Results

SEEDS = range(5)
PICTURES = 500


def main() -> None:
    """Print a row for each approach of each run, and the first sentence of each verdict."""
    mnist = read(sys.argv[1])
    print(f"{hardware()}; {PICTURES} pictures of MNIST, labels shuffled\n")
    print("| seed | chance | approach | out of fold | 95 % interval |")
    print("|---|---|---|---|---|")
    verdicts = []
    for seed in SEEDS:
        results = _run(mnist, seed)
        for one in results.approaches:
            assert one.out_of_fold is not None, "there are folds"
            chance = percent(guessing(one.out_of_fold)[1])
            score, interval = percent(one.out_of_fold.accuracy), span(one.out_of_fold.interval)
            print(f"| {seed} | {chance} | {one.name} | {score} | {interval} |")
        assert results.verdict is not None, "every run has one"
        verdicts.append(results.verdict.sentences[0].text)
    print()
    for seed, text in zip(SEEDS, verdicts, strict=True):
        print(f"{seed}: {text}")


def _run(mnist: Dataset, seed: int) -> Results:
    rng = np.random.default_rng(seed)
    few = mnist.take(np.sort(rng.choice(50_000, PICTURES, replace=False)))
    labels = rng.permutation(few.labels)
    shuffled = Dataset("shuffled", few.pictures, labels, few.classes, few.names)
    with tempfile.TemporaryDirectory() as folder:
        run = bake(
            shuffled,
            Path(folder, "run"),
            seed=seed,
            budget="quick",
            threads=1,
            bundles=False,
            robustness=False,
        )
        return run.results()


if __name__ == "__main__":
    main()
