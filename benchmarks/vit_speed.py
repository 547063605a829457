"""Seconds per epoch of the ViT: bakeoff's, and the same network in plain Keras and PyTorch.

    python -m venv keras && keras/bin/pip install tensorflow-cpu
    python benchmarks/vit_speed.py MNIST keras/bin/python > benchmarks/vit_speed.txt

MNIST is a folder with the four IDX files. The first 20 000 training pictures, batches of 256; one
epoch to warm up, then five rounds in which the three alternate, each in its own process that sleeps
while the others work. bakeoff's epochs augment every picture, the others' do not. All compute in
float32. Both peers follow their documentation (`peers/keras_vit.py`, `peers/torch_vit.py`): the
framework's own attention; Keras compiles its graph, PyTorch runs eagerly.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from measure import hardware

from bakeoff.data.read import read

PICTURES, ROUNDS = 20_000, 5
PEERS = Path(__file__).parent / "peers"


def main() -> None:
    """Print the median seconds of each, and how many times as fast bakeoff is."""
    mnist, keras = sys.argv[1], sys.argv[2]
    dataset = read(mnist)
    rows = np.arange(PICTURES)
    x = np.stack(list(dataset.pictures.take(rows))).astype(np.float32) / 255
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npz"
        np.savez(images, x=x, y=dataset.labels[rows])
        contenders = {
            "bakeoff": [sys.executable, PEERS / "bakeoff_vit.py", images],
            "Keras": [keras, PEERS / "keras_vit.py", images],
            "PyTorch": [sys.executable, PEERS / "torch_vit.py", images],
        }
        processes = {
            name: subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for name, command in contenders.items()
        }
        parameters = {name: int(_answer(process)) for name, process in processes.items()}
        seconds: dict[str, list[float]] = {name: [] for name in processes}
        for number in range(1 + ROUNDS):
            for name, process in processes.items():
                took = float(_answer(process, "epoch\n"))
                if number:
                    seconds[name].append(took)
        for process in processes.values():
            process.communicate()
    print(f"{hardware()}; median of {ROUNDS} epochs of {PICTURES} pictures, the three in turns\n")
    print("| ViT | parameters | seconds an epoch | all | bakeoff is faster by |")
    print("|---|---|---|---|---|")
    ours = median(seconds["bakeoff"])
    for name, epochs in seconds.items():
        every = ", ".join(f"{epoch:.1f}" for epoch in epochs)
        print(
            f"| {name} | {parameters[name]} | {median(epochs):.1f} | {every} "
            f"| {median(epochs) / ours:.1f} × |"
        )


def _answer(process: subprocess.Popen[str], question: str = "") -> str:
    assert process.stdin is not None, "it is piped"
    assert process.stdout is not None, "it is piped"
    if question:
        process.stdin.write(question)
        process.stdin.flush()
    return process.stdout.readline()


if __name__ == "__main__":
    main()
