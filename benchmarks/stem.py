"""CNN and ViT with a stem of fixed wavelets, and with filters that they learn: few pictures.

    python benchmarks/stem.py DRAWINGS MNIST PHOTOS [SET…] > benchmarks/stem.txt

DRAWINGS is a folder of class folders, MNIST a folder with the four IDX files, PHOTOS a folder with
the sets of photos `hymenoptera` and `clothing`. SET is a row's name; all without any. Out of fold
over five folds, the drawings with each style predicted by models that never saw it. One thread;
seconds are of processor time: what all fits share, five folds and the final fit, means of seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from measure import hardware, some_training, spread
from out_of_fold import STYLES, out_of_fold

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read

PIXELS = {"cnn": "pixels", "vit": "conv"}


@dataclass(frozen=True)
class Row:
    """One set, and how it is run."""

    name: str
    source: str | Dataset
    options: dict[str, Any]
    seeds: tuple[int, ...] = (3, 4, 5)
    learned: tuple[int, ...] | None = None  # seeds of the stem that learns its filters; None: all
    approaches: tuple[str, ...] = ("cnn", "vit")


def main() -> None:
    """Print a row for each set, approach and stem."""
    drawings, mnist, photos, *wanted = sys.argv[1:]
    numbers = read(mnist)
    quick = {"budget": "quick"}
    rows = [
        Row("doodles, quick", "doodles", quick),
        Row("1 000 of MNIST, quick", some_training(numbers, 1000), {**quick, "test": 0}),
        Row("3 000 of MNIST, quick", some_training(numbers, 3000), {**quick, "test": 0}, (3,)),
        Row("clothing, quick", f"{photos}/clothing", {**quick, "test": 0}, (3,)),
        Row("ants and bees, quick", f"{photos}/hymenoptera", {**quick, "test": 0}, (3,)),
        Row("doodles", "doodles", {}, learned=(3,)),
        Row("drawings", str(Path(drawings)), {"group": "^[a-z]+"}, learned=()),
        Row("drawings, unseen style", str(Path(drawings)), STYLES, learned=(), approaches=("cnn",)),
    ]
    torch.set_num_threads(1)
    print(f"{hardware()}; mean ± deviation of seeds\n")
    print("| set | approach | stem | seeds | right | loss | by fold | shared | six fits |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for row in rows:
        if wanted and row.name not in wanted:
            continue
        for approach in row.approaches:
            learned = row.seeds if row.learned is None else row.learned
            for stem, seeds in (("scattering", row.seeds), (PIXELS[approach], learned)):
                if seeds:
                    print(_measure(row, approach, stem, seeds), flush=True)


def _measure(row: Row, approach: str, stem: str, seeds: Sequence[int]) -> str:
    settings = {approach: {"stem": stem}}
    options = {**row.options, "settings": settings}
    runs = [out_of_fold(row.source, approach, {**options, "seed": seed}) for seed in seeds]
    folds = zip(*(run.right for run in runs), strict=True)
    several = len(runs) > 1
    cells = [
        row.name,
        approach,
        stem,
        str(len(runs)),
        spread([run.accuracy for run in runs], ".2%") if several else f"{runs[0].accuracy:.2%}",
        spread([run.loss for run in runs], ".3f") if several else f"{runs[0].loss:.3f}",
        " ".join(f"{mean(fold):.1%}" for fold in folds),
        f"{mean(run.preparing for run in runs):.1f} s",
        f"{mean(run.fitting for run in runs):.1f} s",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
