"""How to train a linear head on frozen features of few drawings: three settings, three seeds.

    python benchmarks/transfer_head.py DRAWINGS > benchmarks/transfer_head.txt

DRAWINGS is a folder of class folders. Accuracy over five folds, with the epoch chosen on each
fold's inner slice; features of EfficientNet-Lite0 at 160 pixels, of the picture and seven augmented
views.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import mean, stdev

import numpy as np

from bakeoff.approaches import Task, Transfer
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.read import read
from bakeoff.data.split import split
from bakeoff.training.compute import Compute

SETTINGS = (
    {"learning_rate": 3e-3, "weight_decay": 0.1, "augment": 1.0},
    {"learning_rate": 1e-3, "weight_decay": 1.0, "augment": 1.0},
    {"learning_rate": 1e-3, "weight_decay": 1.0, "augment": 0.5},
)
SEEDS = (10, 11, 12)


def main() -> None:
    """Print mean and deviation over the seeds for each setting."""
    dataset = read(sys.argv[1])
    compute = Compute.choose()
    compute.apply()
    task = Task.of(dataset.pictures, len(dataset.classes))
    ids = together(len(dataset), [one.indices for one in find_duplicates(dataset.pictures)])
    for settings in SETTINGS:
        approach = Transfer(training=replace(Transfer().training, **settings))
        trainer = Trainer(approach, task, dataset.pictures, dataset.labels, compute, seed=0)
        accuracies = []
        for seed in SEEDS:
            right = 0
            for fold in split(dataset.labels, folds=5, seed=seed, together=ids).folds:
                trained = trainer.fit(
                    f"{seed} {fold.name}", train=fold.train, validation=fold.validation
                )
                logits = trained.model.logits_of(dataset.pictures.take(fold.held_out), compute)
                right += int(np.sum(logits.argmax(1) == dataset.labels[fold.held_out]))
            accuracies.append(right / len(dataset))
        words = ", ".join(f"{key} {value:g}" for key, value in settings.items())
        print(f"{words}: {mean(accuracies):.2%} ± {stdev(accuracies):.2%}", flush=True)


if __name__ == "__main__":
    main()
