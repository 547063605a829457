"""Is the HOG baseline pointless beside scattering? Accuracy, loss and seconds of both.

    python benchmarks/scattering.py DRAWINGS MNIST PHOTOS > benchmarks/scattering.txt

DRAWINGS and PHOTOS are folders of class folders, MNIST a folder with the four IDX files, of which
1 000 training pictures are used. Out of fold over five folds, three seeds; the drawings also with
each style predicted by models that never saw it. One thread; seconds are of processor time, of one
seed, for the features of all training pictures with their views, and for five folds and the final
fit. Doodles have the demo's quick budget, and again the standard one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from measure import hardware, spread

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.data.split import Fold
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.metrics import losses
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import config_of
from bakeoff.run.plan import Plan
from bakeoff.workers.runner import UnitRunner

NAMES = ("scattering", "baseline")
SEEDS = (0, 1, 2)
STYLES = {"group": "^[a-z]+", "leave_one_group_out": True}


@dataclass(frozen=True)
class Measured:
    """One approach, one seed: shares and losses by fold, and seconds."""

    right: list[float]
    accuracy: float
    loss: float
    preparing: float
    fitting: float


def main() -> None:
    """Print a row for each set and approach."""
    drawings, mnist, photos = sys.argv[1:]
    sets: list[tuple[str, str | Dataset, Mapping[str, Any]]] = [
        ("doodles, quick", "doodles", {"budget": "quick"}),
        ("doodles", "doodles", {}),
        ("drawings", drawings, {}),
        ("1 000 of MNIST", _some(read(mnist), 1000), {"test": 0}),
        (f"{Path(photos).name} (photos)", photos, {"test": 0}),
        ("drawings, unseen style", drawings, STYLES),
    ]
    torch.set_num_threads(1)
    print(f"{hardware()}; mean ± deviation of seeds {', '.join(map(str, SEEDS))}\n")
    print("| set | approach | pictures | right | loss | by fold | features | six fits |")
    print("|---|---|---|---|---|---|---|---|")
    for title, source, options in sets:
        for name in NAMES:
            runs = [_measured(source, name, {**options, "seed": seed}) for seed in SEEDS]
            folds = zip(*(run[1].right for run in runs), strict=True)
            cells = [
                title,
                name,
                f"{runs[0][0]}",
                spread([run.accuracy for _, run in runs], ".2%"),
                spread([run.loss for _, run in runs], ".3f"),
                " ".join(f"{mean(fold):.1%}" for fold in folds),
                f"{runs[0][1].preparing:.1f} s",
                f"{runs[0][1].fitting:.1f} s",
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


def _measured(source: str | Dataset, name: str, options: Mapping[str, Any]) -> tuple[int, Measured]:
    config = config_of(source, approaches=[name], threads=1, precision="fp32", **options)
    plan = Plan.of(config, source)
    with tempfile.TemporaryDirectory() as folder:
        (runner,) = plan.runners(RunFolder(Path(folder)), lambda _: None)
        started = time.process_time()
        _ = runner.trainer.source
        preparing = time.process_time() - started
        answers = [_answers(runner, plan, fold) for fold in plan.parts.folds]
        started = time.process_time()
        final = _fold(runner, plan.parts.final)
        runner.trainer.fit("final", train=_local(plan, final.train), validation=final.validation)
        fitting = sum(seconds for *_, seconds in answers) + time.process_time() - started
    right = np.concatenate([right for right, *_ in answers])
    loss = np.concatenate([loss for _, loss, _ in answers])
    by_fold = [float(right.mean()) for right, *_ in answers]
    measured = Measured(by_fold, float(right.mean()), float(loss.mean()), preparing, fitting)
    return len(plan.data.rows), measured


def _answers(runner: UnitRunner, plan: Plan, fold: Fold) -> tuple[Any, Any, float]:
    started = time.process_time()
    used = _fold(runner, fold)
    train, validation = _local(plan, used.train), _local(plan, used.validation)
    trained = runner.trainer.fit(fold.name, train=train, validation=validation)
    seconds = time.process_time() - started
    pictures = plan.dataset.pictures.take(fold.held_out)
    probabilities = softmax(trained.model.logits_of(pictures, plan.compute), trained.temperature)
    labels = plan.dataset.labels[fold.held_out]
    return probabilities.argmax(1) == labels, losses(probabilities, labels), seconds


def _fold(runner: UnitRunner, fold: Fold) -> Fold:
    return (
        fold if runner.approach.validates or not len(fold.held_out) else fold.without_validation()
    )


def _local(plan: Plan, rows: Any) -> Any:
    return np.searchsorted(plan.data.rows, rows)


def _some(dataset: Dataset, count: int) -> Dataset:
    """So many training pictures at random."""
    assert dataset.official_test is not None, "MNIST has a test part"
    training = np.flatnonzero(~dataset.official_test)
    rows = np.sort(np.random.default_rng(0).choice(training, count, replace=False))
    return replace(dataset.take(rows), official_test=None)


if __name__ == "__main__":
    main()
