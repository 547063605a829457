"""Seconds from a folder of 2 × 6 drawings to a report and four bundles.

    python benchmarks/few.py > benchmarks/few.txt

The first six drawings of two of the bundled doodles' classes, as files in two folders; the default
approaches with the quick budget, which the page proposes for fewer than 100 pictures. Each run has
an empty cache, as on a new machine.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from measure import hardware, run_bakeoff
from PIL import Image

from bakeoff.data.read import read

CLASSES, EACH, RUNS = 2, 6, 3


def main() -> None:
    """Print a row for each run."""
    doodles = read("doodles")
    print(f"{hardware()}; {CLASSES} × {EACH} drawings, four approaches, quick, empty cache\n")
    print("| run | seconds | peak memory, MB | bundles |")
    print("|---|---|---|---|")
    seconds = []
    for number in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            pictures = Path(folder, "pictures")
            for label in range(CLASSES):
                for row in np.flatnonzero(doodles.labels == label)[:EACH]:
                    path = pictures / doodles.classes[label] / f"{row}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(doodles.pictures[int(row)][..., 0]).save(path)
            os.environ["BAKEOFF_CACHE"] = str(Path(folder, "cache"))
            run = Path(folder, "run")
            asked = ["run", str(pictures), "--budget", "quick", "--precision", "fp32"]
            measured = run_bakeoff(asked, run)
            assert measured.exit == 0, "the run failed"
            bundles = len(list((run / "bundles").iterdir()))
        seconds.append(measured.seconds)
        print(f"| {number + 1} | {measured.seconds:.1f} | {measured.peak_mb:.0f} | {bundles} |")
    print(f"| **median** | {median(seconds):.1f} | | |")


if __name__ == "__main__":
    main()
