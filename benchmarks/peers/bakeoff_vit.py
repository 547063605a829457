"""bakeoff's ViT, with the batches and the optimizer of its peers, an epoch at a time.

    python bakeoff_vit.py IMAGES

IMAGES is an npz of x, N×28×28×1 in 0…1, and y. Waits for a line on standard input before each
epoch and answers with its seconds, so that a benchmark can take turns.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from bakeoff.approaches import Task, ViT
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.pictures import Pictures
from bakeoff.training.compute import Compute, keep_freed_memory
from bakeoff.training.fit import Epoch


def main() -> None:
    data = np.load(sys.argv[1])
    pictures = Pictures.from_array((data["x"] * 255).round().astype(np.uint8))
    compute = Compute.choose(precision="fp32")  # as the others
    compute.apply()
    keep_freed_memory()
    task = Task.of(pictures, 10)
    vit = ViT(training=replace(ViT().training, batch_size=256, optimizer="adamw"))
    trainer = Trainer(vit, task, pictures, data["y"], compute, seed=0)
    print(sum(one.numel() for one in vit.build(task).parameters()), flush=True)
    sys.stdin.readline()

    def wait(epoch: Epoch) -> None:
        print(epoch.seconds, flush=True)
        if not sys.stdin.readline():
            raise SystemExit

    # As of 60 000 pictures, so that batches are as large.
    everything = np.arange(len(pictures))
    trainer.fit(
        "speed", train=everything, validation=everything[:0], schedule_for=60_000, on_epoch=wait
    )


if __name__ == "__main__":
    main()
