"""The share of the processor's peak arithmetic that training the CNN reaches.

    python benchmarks/cnn_arithmetic.py MNIST > benchmarks/cnn_arithmetic.txt

MNIST is a folder with the four IDX files. Operations of forward and backward pass are counted by
torch's own counter on one batch; seconds are those of whole epochs of 60 000 pictures with the
default settings, including sampling, augmentation and the optimizer. The peak is the fastest of
many square matrix products, measured after every epoch.
"""

from __future__ import annotations

import sys
import time
from statistics import mean, stdev

import numpy as np
import torch
from measure import hardware
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.approaches import CNN, Task
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.read import read
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Epoch

EPOCHS = 4  # and one more to warm up
SIDES = (1024, 2048, 3072)
REPEATS = 5


def main() -> None:
    """Print operations per picture, operations per second, and the shares of both peaks."""
    dataset = read(sys.argv[1])
    rows = np.flatnonzero(~dataset.official_test)
    pictures, labels = dataset.pictures.take(rows), dataset.labels[rows]
    compute = Compute.choose()
    compute.apply()
    task = Task.of(pictures, 10)
    peaks: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    speeds: list[float] = []
    a_picture = operations(CNN(), task)

    def measured(epoch: Epoch) -> None:
        if epoch.number > 1:
            speeds.append(a_picture * len(rows) / epoch.seconds)
        for kind, best in peaks.items():
            best.append(peak(kind))

    trainer = Trainer(CNN(), task, pictures, labels, compute, seed=0)
    everything = np.arange(len(rows))
    trainer.fit(
        "speed",
        train=everything,
        validation=everything[:0],
        stop_after=1 + EPOCHS,
        on_epoch=measured,
    )
    print(f"{hardware()}; {EPOCHS} epochs\n")
    print(f"operations a picture, forward and backward: {a_picture / 1e6:.1f} million")
    print(f"training: {_giga(speeds)}")
    for kind, best in peaks.items():
        print(f"peak, {kind}: {_giga(best)}; training reaches {mean(speeds) / max(best):.0%} of it")


def operations(approach: CNN, task: Task) -> float:
    """Additions and multiplications per picture, in forward and backward pass."""
    preprocess = approach.preprocess(task)
    x = torch.rand(64, preprocess.channels, preprocess.size, preprocess.size)
    network = approach.build(task).train()
    with FlopCounterMode(display=False) as counter:
        network(x).sum().backward()
    return float(counter.get_total_flops()) / len(x)


def peak(kind: torch.dtype) -> float:
    """Operations a second of the fastest square matrix product."""
    best = 0.0
    for side in SIDES:
        a, b = (torch.rand(side, side).to(kind) for _ in range(2))
        for _ in range(REPEATS):
            started = time.perf_counter()
            a @ b
            best = max(best, 2 * side**3 / (time.perf_counter() - started))
    return best


def _giga(values: list[float]) -> str:
    return f"{mean(values) / 1e9:.0f} ± {stdev(values) / 1e9:.0f} billion a second"


if __name__ == "__main__":
    main()
