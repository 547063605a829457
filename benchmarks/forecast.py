"""Forecasts from five subsets of 1 000 MNIST pictures, and the accuracy with 2 000 and 4 000.

    python benchmarks/forecast.py MNIST RUNS > benchmarks/forecast.txt

MNIST is a folder with the four IDX files (`bakeoff fetch mnist` downloads them); RUNS is a folder
for the 15 runs, so that an interrupted measurement continues. The subsets are disjoint. Each run
with a learning curve forecasts the accuracy after training on 2 000 and 4 000 pictures; then the
subset is enlarged to that size and run again without a curve. The truth is the accuracy of that
final model on the 10 000 pictures of the official test part, which the forecast does not use. The
table also has the accuracy with 1 000 pictures, and the out-of-fold score of the enlarged set.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from measure import hardware

import bakeoff
from bakeoff.data.dataset import Dataset
from bakeoff.evaluation.records import Forecast
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import ApproachResult

APPROACHES = ("baseline", "cnn")
SUBSETS, PICTURES, LARGEST = 5, 1000, 4000
FOLDS = 3


def main() -> None:
    """Print a row for each approach, subset and forecast as soon as it is measured."""
    everything = bakeoff.read(Path(sys.argv[1]).resolve())
    assert everything.official_test is not None
    order = np.random.default_rng(0).permutation(np.flatnonzero(~everything.official_test))
    starts = order[: SUBSETS * PICTURES].reshape(SUBSETS, PICTURES)
    # All subsets are enlarged by the same pictures: other ones for each would show no more.
    more = order[SUBSETS * PICTURES :][: LARGEST - PICTURES]
    print(f"{hardware()}; {FOLDS} folds, budget quick, one thread\n")
    print("| approach | subset | 1 000 | forecast of | interval | truth | inside | out of fold |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    inside, missed, words = [], [], []
    for number, rows in enumerate(starts, start=1):
        first = _baked(everything, rows, f"{number}-{PICTURES}", curve=True)
        truths = {
            size / PICTURES: _baked(
                everything, np.concatenate([rows, more[: size - PICTURES]]), f"{number}-{size}"
            )
            for size in (2 * PICTURES, LARGEST)
        }
        for name in APPROACHES:
            assert first[name].learning is not None
            words.append(f"{number}. {first[name].learning.words}")
            for forecast in first[name].learning.forecasts:
                truth = truths[forecast.times][name]
                row = _row(name, number, _tested(first[name]), forecast, truth)
                print(row, flush=True)
                low, high = forecast.interval
                inside.append(low <= _tested(truth) <= high)
                missed.append(abs(forecast.accuracy - _tested(truth)))
    print(f"\n{sum(inside)} of {len(inside)} truths lie inside their 95 % interval; ", end="")
    print(f"forecasts are {100 * np.mean(missed):.2f} points off on average.\n")
    print("\n".join(words))


def _baked(
    everything: Dataset, rows: np.ndarray, name: str, *, curve: bool = False
) -> dict[str, ApproachResult]:
    assert everything.official_test is not None
    with_test = np.concatenate([np.sort(rows), np.flatnonzero(everything.official_test)])
    dataset, path = everything.take(with_test), Path(sys.argv[2], name)
    if (path / "results.json").is_file():
        run = RunFolder.open(path)
    elif path.exists():
        run = bakeoff.resume(path, dataset=dataset)
    else:
        run = bakeoff.bake(
            dataset,
            path,
            approaches=APPROACHES,
            folds=FOLDS,
            budget="quick",
            threads=1,
            bundles=False,
            curve=curve,
        )
    return {one.name: one for one in run.results().approaches}


def _tested(one: ApproachResult) -> float:
    assert one.test is not None, "MNIST has a test part"
    return one.test.accuracy


def _row(name: str, number: int, now: float, forecast: Forecast, truth: ApproachResult) -> str:
    low, high = forecast.interval
    assert truth.out_of_fold is not None
    cells = [
        name,
        str(number),
        f"{now:.2%}",
        f"{forecast.pictures}: {forecast.accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"{_tested(truth):.2%}",
        "yes" if low <= _tested(truth) <= high else "no",
        f"{truth.out_of_fold.accuracy:.2%}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
