"""The time to 99.40 % accuracy on MNIST's test part: bakeoff's CNN, and a Keras CNN.

    python -m venv keras && keras/bin/pip install tensorflow-cpu
    python benchmarks/mnist_time.py MNIST keras/bin/python > benchmarks/mnist_time.txt
    python benchmarks/mnist_time.py MNIST >> benchmarks/mnist_time.txt

MNIST is a folder with the four IDX files. The Keras CNN (`peers/keras_cnn.py`) is scored after
every epoch and stopped at the first that reaches 99.40 %, as if the right moment were known; only
its training time counts. bakeoff runs `--budget quick` to its end, choosing an epoch on an inner
slice; the table has the time from the first epoch to the last, and the total. Both compute in
float32. The two alternate, three seeds each; the second form runs bakeoff alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import hardware, run_bakeoff, said

SEEDS = (0, 1, 2)
EPOCHS = 20  # Keras stops after this many
PEER = Path(__file__).parent / "peers" / "keras_cnn.py"


def main() -> None:
    """Print a row per seed, and the ratio of the medians."""
    mnist, keras = str(Path(sys.argv[1]).resolve()), sys.argv[2:]
    arguments = ["run", mnist, "--folds", "0", "--approach", "cnn", "--budget", "quick"]
    arguments += ["--precision", "fp32"]
    print(f"{hardware()}\n\n    {said(arguments)}\n")
    print("| seed | Keras: s | epochs | accuracy | bakeoff: s | in total, s | epochs | accuracy |")
    print("|---|---|---|---|---|---|---|---|")
    ours, theirs = [], []
    for seed in SEEDS:
        cells = "– | – | –"
        if keras:
            command = [*keras, PEER, mnist, str(seed), str(EPOCHS)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            peer = json.loads(done.stdout.splitlines()[-1])
            theirs.append(peer["seconds"])
            cells = f"{peer['seconds']:.0f} | {peer['epoch']} | {peer['accuracy']:.2%}"
        with tempfile.TemporaryDirectory() as folder:
            measured = run_bakeoff([*arguments, "--seed", str(seed)], Path(folder, "run"))
        (one,) = measured.results.approaches
        assert one.test is not None, "MNIST has a test part"
        ours.append(sum(epoch.seconds for epoch in one.final.curve))
        print(
            f"| {seed} | {cells} | {ours[-1]:.0f} | {one.seconds.final:.0f} "
            f"| {len(one.final.curve)} | {one.test.accuracy:.2%} |",
            flush=True,
        )
    print(f"\nmedian of bakeoff: {median(ours):.1f} s")
    if keras:
        times = median(theirs) / median(ours)
        print(f"median of Keras: {median(theirs):.0f} s, bakeoff is faster by {times:.1f} ×")


if __name__ == "__main__":
    main()
