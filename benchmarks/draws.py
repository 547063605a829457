"""Forty runs on 500 digits each, and how well their verdicts hold on 10 000 others.

    python benchmarks/draws.py MNIST KEEP 40 > benchmarks/draws.txt

MNIST is a folder with its four files, KEEP one for the runs: finished ones there are not trained
again. The number is that of the first draw; draws before 40 were used to develop the intervals, so
those from 40 on test them. Every run draws 500 of MNIST's first 50 000 training pictures; the
others are 10 000 of the same 50 000, without those that it drew. Three approaches (a ViT would take
as long as these together), budget quick, one thread per run and one run per core.

The table counts whether the interval of the best approach holds the accuracy of its final model on
the others, how wide it is relative to the textbook's p ± 1.96 √(p(1 - p)/n), and whether a named
winner is the best on the others too.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from measure import hardware
from numpy.typing import NDArray

from bakeoff import bake, read
from bakeoff.data.dataset import Dataset
from bakeoff.evaluation.intervals import wilson
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import ApproachResult
from bakeoff.run.bake import resume
from bakeoff.run.bundles import final_model
from bakeoff.training.model import Model
from bakeoff.training.sources import batch_of

APPROACHES = ("baseline", "cnn", "transfer")
DRAWS = 40
PICTURES = 500
DRAWN_FROM = 50_000
OTHERS = 10_000


def main() -> None:
    """Print how often intervals hold, and how often winners are the best."""
    mnist, keep = (Path(one).resolve() for one in sys.argv[1:3])
    numbers = range(int(sys.argv[3]), int(sys.argv[3]) + DRAWS)
    keep.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        truths = list(pool.map(partial(_draw, mnist, keep), numbers))
    runs = [RunFolder.open(keep / f"draw {number}").results() for number in numbers]
    best = [max(run.approaches, key=_accuracy) for run in runs]
    print(f"{hardware()}; draws {numbers[0]} to {numbers[-1]}, each of {PICTURES} pictures")
    print(f"of MNIST; {OTHERS} others\n")
    print("| approach | out of fold | on the others | its interval holds it | width / textbook |")
    print("|---|---|---|---|---|")
    for place, approach in enumerate(runs[0].approaches):
        _row(approach.name, [run.approaches[place] for run in runs], truths)
    _row("the best of each run", best, truths)
    named = [(run.winner.name, truth) for run, truth in zip(runs, truths, strict=True)]
    right = [name == max(truth, key=truth.__getitem__) for name, truth in named if name]
    low, high = wilson(sum(right), len(right))
    print(f"\nA winner was named in {len(right)} of {DRAWS} draws, and was truly the best in")
    print(f"{sum(right)} of them (95 % interval {low:.0%} to {high:.0%}).")


def _row(title: str, results: list[ApproachResult], truths: list[dict[str, float]]) -> None:
    true = [truth[one.name] for one, truth in zip(results, truths, strict=True)]
    intervals = [_interval(one) for one in results]
    held = sum(low <= value <= high for (low, high), value in zip(intervals, true, strict=True))
    widths = [
        (high - low) / (2 * 1.96 * math.sqrt(_accuracy(one) * (1 - _accuracy(one)) / PICTURES))
        for (low, high), one in zip(intervals, results, strict=True)
    ]
    measured = mean(map(_accuracy, results))
    print(
        f"| {title} | {measured:.2%} | {mean(true):.2%} | {held} of {DRAWS} ({held / DRAWS:.1%}) "
        f"| {mean(widths):.2f}, at most {max(widths):.2f} |"
    )


def _accuracy(one: ApproachResult) -> float:
    assert one.out_of_fold is not None, "there are folds"
    return one.out_of_fold.accuracy


def _interval(one: ApproachResult) -> tuple[float, float]:
    assert one.out_of_fold is not None, "there are folds"
    return one.out_of_fold.interval


def _draw(mnist: Path, keep: Path, number: int) -> dict[str, float]:
    """Make or rebuild one run, and score each final model on the others."""
    torch.set_num_threads(1)
    rows = np.random.default_rng(number).choice(DRAWN_FROM, PICTURES, replace=False)
    few = _mnist(mnist).take(np.sort(rows))
    few = Dataset("mnist", few.pictures, few.labels, few.classes, few.names)
    path = keep / f"draw {number}"
    if (path / "results.json").exists():
        run = RunFolder.open(path)
    elif (path / "run.json").exists():
        run = resume(path, dataset=few, workers="local:1")
    else:
        run = bake(
            few,
            path,
            seed=number,
            approaches=APPROACHES,
            budget="quick",
            threads=1,
            bundles=False,
            robustness=False,
            workers="local:1",
        )
    fresh = ~np.isin(_others(), rows)
    labels = _mnist(mnist).labels[_others()]
    return {
        one.name: float((_answers(final_model(run, one.name), mnist, keep) == labels)[fresh].mean())
        for one in run.results().approaches
    }


@cache
def _mnist(path: Path) -> Dataset:
    return read(path)


@cache
def _others() -> NDArray[np.int64]:
    # MNIST's test part, and the end of its training part, are easier than the first 50 000.
    return np.sort(np.random.default_rng(0).choice(DRAWN_FROM, OTHERS, replace=False))


@torch.inference_mode()
def _answers(model: Model, mnist: Path, keep: Path) -> NDArray[np.int64]:
    """The answers of a final model on the others.

    All runs preprocess alike and share the frozen part, so its features are computed once.
    """
    prepare = model.preprocess
    name = f"{prepare.mode} {prepare.size} {prepare.channels} {type(model.frozen).__name__}.npy"
    if not (keep / name).exists():
        features_of_batches = [
            model.frozen(prepare(torch.from_numpy(pixels))).numpy()
            for _, pixels in _mnist(mnist).pictures.take(_others()).batches(batch_of(prepare.size))
        ]
        with tempfile.NamedTemporaryFile(dir=keep, delete=False) as file:
            np.save(file, np.concatenate(features_of_batches))
        Path(file.name).replace(keep / name)
    features = torch.from_numpy(np.load(keep / name))
    answers = [model.network(batch).argmax(1) for batch in features.split(1024)]
    return torch.cat(answers).numpy()


if __name__ == "__main__":
    main()
