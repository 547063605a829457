"""Labels flipped on purpose, and how many of them are found as label errors.

    python benchmarks/suspects.py DRAWINGS MNIST RUNS > benchmarks/suspects.txt

DRAWINGS is a folder of class folders, MNIST one with the IDX files, of which 3 000 training
pictures are sampled. In each set 3 % and 10 % of the labels are changed to another class at random;
then `bakeoff run --approach baseline --approach cnn --budget quick --threads 1` with defaults
otherwise: the models judge out of fold, and on the locked test (of MNIST) the final models do. The
method was chosen on seed 0, which is not among SEEDS. Runs are kept in the folder RUNS, so that an
interrupted measurement continues.

n is the number of flipped labels; hits are flipped labels. "First n" are the first n suspects (or
fewer, if there are fewer); the list is all suspects. "Relabelled" is what corrections.csv changes
unless edited, and "right" how many of these get their true label back. The last row of each set has
no flipped labels: all suspects are false alarms, or labels that were wrong before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan, nan
from pathlib import Path
from statistics import mean

import numpy as np
from measure import hardware, some_training
from numpy.typing import NDArray

from bakeoff.data.corrections import read_corrections
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.evaluation.suspects import suspects
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume

SHARES = (0.03, 0.1)
SEEDS = (1,)
APPROACHES = ("baseline", "cnn")


def main() -> None:
    """Print a row for each set, share of flipped labels, and approach."""
    drawings, mnist, runs = sys.argv[1:]
    print(f"{hardware()}; mean of seeds {', '.join(map(str, SEEDS))}\n")
    columns = ["first n: precision", "recall", "list", "precision", "recall", "relabelled", "right"]
    print(f"| set | flipped | n | by | {' | '.join(columns)} |")
    print("|---" * 11 + "|")
    for name, dataset in (
        ("drawings", read(drawings)),
        ("MNIST", some_training(read(mnist), 3000)),
    ):
        for share in SHARES:
            found = [
                list(
                    _figures(
                        *flipped_labels(dataset, share, seed), Path(runs, f"{name}-{share}-{seed}")
                    )
                )
                for seed in SEEDS
            ]
            count = round(share * len(dataset))
            for rows in zip(*found, strict=True):
                _print([name, f"{share:.0%}", str(count), rows[0][0]], [row[1] for row in rows])
        nothing = np.empty(0, dtype=np.int64)
        for by, figures in _figures(dataset, nothing, dataset.labels, Path(runs, f"{name}-0")):
            _print([name, "none", "0", by], [figures])


def flipped_labels(
    dataset: Dataset, share: float, seed: int
) -> tuple[Dataset, NDArray[np.int64], NDArray[np.int64]]:
    """The set with flipped labels, their rows, and all true labels."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(dataset), round(share * len(dataset)), replace=False)
    labels = dataset.labels.copy()
    labels[rows] += rng.integers(1, len(dataset.classes), len(rows))
    return replace(dataset, labels=labels % len(dataset.classes)), rows, dataset.labels


def _figures(
    dataset: Dataset, flipped: NDArray[np.int64], truth: NDArray[np.int64], folder: Path
) -> Iterator[tuple[str, list[float]]]:
    """For each approach and for all together, a row of the table."""
    wrong = set(flipped.tolist())
    if (folder / "run.json").exists():
        run = resume(folder, dataset=dataset)
    else:
        run = bake(dataset, folder, approaches=APPROACHES, budget="quick", threads=1, bundles=False)
    rows, probabilities = _judged(run)
    table = {one.name: one for one in read_corrections(run.path / "corrections.csv")}
    for by, names in (*((name, (name,)) for name in APPROACHES), ("together", APPROACHES)):
        chosen = {name: probabilities[name] for name in names}
        found = suspects(chosen, dataset.labels[rows], dataset.classes, dataset.names, rows)
        hits = [one.index in wrong for one in found]
        first = hits[: len(wrong)]
        figures = [_share(sum(first), len(first)), _share(sum(first), len(wrong))]
        figures += [len(hits), _share(sum(hits), len(hits)), _share(sum(hits), len(wrong))]
        if by == "together":
            acted = [one for one in found if table[one.name].action == "relabel"]
            right = [one.proposed == dataset.classes[truth[one.index]] for one in acted]
            figures += [len(acted), sum(right)]
        yield by, figures


def _judged(run: RunFolder) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """The judged rows, and the probabilities of each approach."""
    arrays = run.probabilities()
    rows = np.concatenate([arrays["out_of_fold_rows"], arrays["test_rows"]])
    parts = [part for part in ("out_of_fold", "test") if f"{APPROACHES[0]}_{part}" in arrays]
    return rows, {
        name: np.concatenate([arrays[f"{name}_{part}"] for part in parts]) for name in APPROACHES
    }


def _share(hits: int, of: int) -> float:
    return hits / of if of else nan


def _print(left: list[str], rows: Sequence[list[float]]) -> None:
    means = [mean(column) for column in zip(*rows, strict=True)]
    forms = [".1%", ".1%", ".1f", ".1%", ".1%", ".1f", ".1f"]
    pairs = zip(means, forms, strict=False)
    cells = ["–" if isnan(value) else f"{value:{form}}" for value, form in pairs]
    print(f"| {' | '.join([*left, *cells, *['–'] * (len(forms) - len(cells))])} |", flush=True)


if __name__ == "__main__":
    main()
