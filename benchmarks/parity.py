"""Whether bundles give the same answers as the measured models: PyTorch against ONNX Runtime.

    bakeoff run MNIST --folds 0 --out MNIST_RUN
    bakeoff run DRAWINGS --folds 2 --budget quick --out DRAWINGS_RUN
    python benchmarks/parity.py MNIST_RUN MNIST DRAWINGS_RUN DRAWINGS > benchmarks/parity.txt

Every picture of the official test part, or of the whole set where there is none, through both.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from measure import hardware

from bakeoff.bundle.bundle import load
from bakeoff.bundle.inputs import Inputs
from bakeoff.data.read import read
from bakeoff.evaluation.calibration import softmax
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import final_model
from bakeoff.training.compute import Compute


def main() -> None:
    """Print a row for each run and approach."""
    print(f"{hardware()}\n")
    print("| set | approach | pictures | other class | probability off by at most |")
    print("|---|---|---|---|---|")
    for run, source in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        dataset = read(source)
        if dataset.official_test is not None:
            dataset = dataset.take(np.flatnonzero(dataset.official_test))
        folder = RunFolder.open(Path(run))
        for name in folder.config.names:
            model = final_model(folder, name)
            logits = model.logits_of(dataset.pictures, Compute.choose("cpu", precision="fp32"))
            expected = softmax(logits, float(model.get_buffer("temperature")))
            answers = load(folder.bundle(name)).answer(Inputs(dataset.names, dataset.pictures))
            served = np.array([[dict(one.ranking)[c] for c in dataset.classes] for one in answers])
            other = int((served.argmax(1) != expected.argmax(1)).sum())
            off = float(np.abs(served - expected).max())
            print(f"| {dataset.name} | {name} | {len(dataset)} | {other} | {off:.1e} |", flush=True)


if __name__ == "__main__":
    main()
