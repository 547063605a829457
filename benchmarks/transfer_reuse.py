"""Transfer learning in ten folds and a final fit: features once, or the backbone every epoch.

    python benchmarks/transfer_reuse.py DRAWINGS > benchmarks/transfer_reuse.txt

DRAWINGS is a folder of class folders. bakeoff's time is the wall time of the whole process. The
usual way (a frozen backbone inside the model, augmented batches through it every epoch, as in the
Keras guide to transfer learning) is timed for EPOCHS epochs of one fold after one to warm up, and
multiplied by the number of epochs and fits in bakeoff: the same backbone, pictures, batch size and
threads, with PyTorch's default float32 and contiguous memory, and only a linear head to train. Its
time does not include reading, scoring and the choice of epochs, which favours it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from measure import hardware, run_bakeoff, said
from torch import nn

from bakeoff.approaches import Task, Transfer
from bakeoff.data.read import read
from bakeoff.training.compute import Compute
from bakeoff.training.sources import PixelSource, preprocess_all

EPOCHS = 3


def main() -> None:
    """Print both times and their ratio."""
    source = str(Path(sys.argv[1]).resolve())
    arguments = ["run", source, "--approach", "transfer", "--folds", "10"]
    with tempfile.TemporaryDirectory() as folder:
        measured = run_bakeoff(arguments, Path(folder, "run"))
    (one,) = measured.results.approaches

    fits = [len(fold.curve) for fold in one.folds] + [len(one.final.curve)]
    epoch = usual_epoch(source, round(0.9 * 0.85 * measured.results.dataset.pictures))
    print(hardware())
    print(f"\n    {said(arguments)}\n")
    print(f"bakeoff: {measured.seconds:.0f} s in total; {len(fits)} fits, {sum(fits)} epochs")
    print(f"the usual way: {epoch:.1f} s an epoch, so {epoch * sum(fits) / 60:.0f} min for as many")
    print(f"bakeoff is faster by {epoch * sum(fits) / measured.seconds:.0f} ×")


def usual_epoch(source: str, count: int) -> float:
    """Median seconds of an epoch that runs the backbone on every augmented batch."""
    compute = Compute.choose()
    compute.apply()
    dataset = read(source)
    approach = Transfer()
    task = Task.of(dataset.pictures, len(dataset.classes))
    rows = np.random.default_rng(0).permutation(len(dataset))[:count]
    prepared = preprocess_all(approach.preprocess(task), dataset.pictures.take(rows), compute)
    pixels = PixelSource(prepared, approach.augment(task))
    labels = torch.from_numpy(dataset.labels[rows])
    backbone, head = approach.frozen(task), approach.build(task)
    assert backbone is not None
    network = nn.Sequential(backbone.eval(), head)
    optimizer = torch.optim.AdamW(head.parameters())
    batch = approach.training.resolve(count).batch_size or 32
    generator = torch.Generator().manual_seed(0)
    seconds = []
    for _ in range(1 + EPOCHS):
        started = time.perf_counter()
        for drawn in torch.randperm(count).split(batch):
            for parameter in backbone.parameters():
                parameter.requires_grad_(False)
            loss = F.cross_entropy(network(pixels.train(drawn, generator)), labels[drawn])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])


if __name__ == "__main__":
    main()
