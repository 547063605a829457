"""Is the HOG baseline pointless beside scattering? Accuracy, loss and seconds of both.

    python benchmarks/scattering.py DRAWINGS MNIST PHOTOS > benchmarks/scattering.txt

DRAWINGS and PHOTOS are folders of class folders, MNIST a folder with the four IDX files, of which
1 000 training pictures are used. Out of fold over five folds, three seeds; the drawings also with
each style predicted by models that never saw it. One thread; seconds are of processor time, of one
seed, for the features of all training pictures with their views, and for five folds and the final
fit. Doodles have the demo's quick budget, and again the standard one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from measure import hardware, some_training, spread
from out_of_fold import STYLES, out_of_fold

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read

NAMES = ("scattering", "baseline")
SEEDS = (0, 1, 2)


def main() -> None:
    """Print a row for each set and approach."""
    drawings, mnist, photos = sys.argv[1:]
    sets: list[tuple[str, str | Dataset, Mapping[str, Any]]] = [
        ("doodles, quick", "doodles", {"budget": "quick"}),
        ("doodles", "doodles", {}),
        ("drawings", drawings, {}),
        ("1 000 of MNIST", some_training(read(mnist), 1000), {"test": 0}),
        (f"{Path(photos).name} (photos)", photos, {"test": 0}),
        ("drawings, unseen style", drawings, STYLES),
    ]
    torch.set_num_threads(1)
    print(f"{hardware()}; mean ± deviation of seeds {', '.join(map(str, SEEDS))}\n")
    print("| set | approach | pictures | right | loss | by fold | features | six fits |")
    print("|---|---|---|---|---|---|---|---|")
    for title, source, options in sets:
        for name in NAMES:
            runs = [out_of_fold(source, name, {**options, "seed": seed}) for seed in SEEDS]
            folds = zip(*(run.right for run in runs), strict=True)
            cells = [
                title,
                name,
                f"{runs[0].pictures}",
                spread([run.accuracy for run in runs], ".2%"),
                spread([run.loss for run in runs], ".3f"),
                " ".join(f"{mean(fold):.1%}" for fold in folds),
                f"{runs[0].preparing:.1f} s",
                f"{runs[0].fitting:.1f} s",
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
