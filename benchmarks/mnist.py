"""MNIST's official test part: CNN and ViT from scratch, three seeds each.

    python benchmarks/mnist.py MNIST > benchmarks/mnist.txt

MNIST is a folder with the four IDX files (`bakeoff fetch mnist` downloads them). The defaults of
`bakeoff run`: settings were chosen on pictures held out of the training part, the test part is
opened once per run, and the loss is that of probabilities calibrated on an inner slice of the
training part. Peak memory is the operating system's figure for the whole process. How long it takes
is in `main_job.txt`.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from measure import hardware, run_bakeoff, said, spread

APPROACHES = ("cnn", "vit")
SEEDS = (0, 1, 2)


def main() -> None:
    """Print a row for each approach."""
    arguments = ["run", str(Path(sys.argv[1]).resolve()), "--folds", "0"]
    for name in APPROACHES:
        arguments += ["--approach", name]
    accuracies, losses = (defaultdict[str, list[float]](list) for _ in range(2))
    peaks = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            measured = run_bakeoff([*arguments, "--seed", str(seed)], Path(folder, "run"))
        peaks.append(measured.peak_mb)
        for one in measured.results.approaches:
            assert one.test is not None, "MNIST has a test part"
            accuracies[one.name].append(one.test.accuracy)
            losses[one.name].append(one.test.loss)
    print(f"{hardware()}; mean ± deviation of seeds {', '.join(map(str, SEEDS))}")
    print(f"\n    {said(arguments)}\n")
    print("| approach | accuracy | loss |")
    print("|---|---|---|")
    for name in APPROACHES:
        print(f"| {name} | {spread(accuracies[name], '.3%')} | {spread(losses[name], '.4f')} |")
    print(f"\npeak memory of a run: {spread(peaks, '.0f')} MB")


if __name__ == "__main__":
    main()
