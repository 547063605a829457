"""An ablation of the training recipes on MNIST: one part changed at a time.

    python benchmarks/recipe.py MNIST > benchmarks/recipe.txt

MNIST is a folder with the four IDX files. Trained with the quick budget on the first 50 000
training pictures, scored on the other 10 000; the official test part is never opened. The loss is
at the best temperature for those 10 000 in every row. Two seeds each. "five shifts" averages the
probabilities of the picture and of four copies shifted by one pixel.
"""

from __future__ import annotations

import sys
import time
from statistics import mean

import numpy as np
from measure import hardware
from numpy.typing import NDArray

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.evaluation.calibration import fit_temperature, softmax
from bakeoff.evaluation.metrics import losses
from bakeoff.training.compute import Compute, keep_freed_memory
from bakeoff.training.model import Model

SEEDS = (0, 1)
TRAIN = 50_000
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))

Settings = dict[str, object]
CHANGES: dict[str, dict[str, Settings]] = {
    "cnn": {
        "as it is": {},
        "no label smoothing": {"label_smoothing": 0.0},
        "no augmentation": {"augment": 0.0},
        "full augmentation": {"augment": 1.0},
        "no weight decay": {"weight_decay": 0.0},
        "half the learning rate": {"learning_rate": 0.0025},
        "no batch norm": {"batch_norm": False},
    },
    "vit": {
        "as it is": {},
        "label smoothing 0.1": {"label_smoothing": 0.1},
        "linear patches": {"stem": "patch"},
        "four heads": {"num_heads": 4},
        "five blocks": {"depth": 5},
        "no augmentation": {"augment": 0.0},
    },
}


def main() -> None:
    """Print a row for each change."""
    dataset = read(sys.argv[1])
    assert dataset.official_test is not None, "MNIST has a test part"
    dataset = dataset.take(np.flatnonzero(~dataset.official_test))
    compute = Compute.choose()
    compute.apply()
    keep_freed_memory()
    print(f"{hardware()}; mean of seeds {', '.join(map(str, SEEDS))}\n")
    print("| approach | change | accuracy | loss | training, s |")
    print("|---|---|---|---|---|")
    judged = dataset.pictures[TRAIN:]
    labels = dataset.labels[TRAIN:]
    for name, changes in CHANGES.items():
        for change, settings in changes.items():
            rows, shifted = [], []
            for seed in SEEDS:
                task = Task.of(dataset.pictures, 10, budget="quick")
                trainer = Trainer(
                    configure(name, settings), task, dataset.pictures, dataset.labels, compute,
                    seed=seed,
                )  # fmt: skip
                _ = trainer.source
                started = time.perf_counter()
                trained = trainer.fit("recipe", train=np.arange(TRAIN), validation=np.arange(0))
                seconds = time.perf_counter() - started
                rows.append((*_figures(_logits(trained.model, judged, compute), labels), seconds))
                if change == "as it is":
                    moved = _five(trained.model, judged, compute)
                    shifted.append((*_figures(moved, labels), seconds))
            _print(name, change, rows)
            if shifted:
                _print(name, "five shifts", shifted)


def _logits(model: Model, pictures: Pictures, compute: Compute) -> NDArray[np.float32]:
    return model.logits_of(pictures, compute)


def _five(model: Model, pictures: Pictures, compute: Compute) -> NDArray[np.float32]:
    """The log of the mean probability over `SHIFTS`."""
    pixels = np.stack(list(pictures))
    moved = [np.roll(pixels, shift, axis=(1, 2)) for shift in SHIFTS]
    probabilities = [
        softmax(_logits(model, Pictures.from_array(shifted), compute)) for shifted in moved
    ]
    return np.log(np.mean(probabilities, axis=0) + 1e-9).astype(np.float32)


def _figures(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    probabilities = softmax(logits, fit_temperature(logits, labels))
    right = float((probabilities.argmax(1) == labels).mean())
    return right, float(losses(probabilities, labels).mean())


def _print(name: str, change: str, rows: list[tuple[float, float, float]]) -> None:
    accuracy, loss, seconds = (mean(column) for column in zip(*rows, strict=True))
    print(f"| {name} | {change} | {accuracy:.2%} | {loss:.4f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
