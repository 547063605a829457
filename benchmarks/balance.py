"""Class weights on uneven sets: what do they gain?

    python benchmarks/balance.py MNIST CLOTHING [--approach NAME]... > benchmarks/balance.txt

MNIST is a folder with the four IDX files, CLOTHING one of class folders. The bundled doodles and
MNIST are made uneven: from 80 doodles, or 200 digits, in one class to 4 in another, each class a
fixed share of the next; which class is rare changes with the seed. Their test pictures are even: 20
doodles a class, 1 000 digits. The clothing is uneven as it is, and half of it is tested on. Quick
budget, one thread. Each row compares a power of `balance` with 0, on the same pictures and seeds:
the difference in points, with its standard error over five seeds.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from measure import hardware
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split

from bakeoff.classifier import Classifier
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read

SEEDS, POWERS = range(5), (0.0, 0.5, 1.0)
APPROACHES = ("scattering", "transfer", "cnn")
FEWEST = 4
DOODLES, DIGITS = 80, 200  # of the largest class
TEST_DOODLES, TEST_DIGITS = 20, 100  # a class
Rows: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]  # seeds × 2


def main() -> None:
    """Print a table for each set, when it is finished."""
    parser = ArgumentParser()
    parser.add_argument("mnist", type=Path)
    parser.add_argument("clothing", type=Path)
    parser.add_argument("--approach", dest="approaches", action="append")
    options = parser.parse_args()
    print(hardware())
    names = options.approaches or APPROACHES
    table("doodles, 80 : 4", names, read("doodles"), DOODLES, TEST_DOODLES)
    table("MNIST, 200 : 4", names, read(options.mnist), DIGITS, TEST_DIGITS)
    table("clothing, as it is", names, read(options.clothing), None, 0)


def table(
    name: str, approaches: Sequence[str], dataset: Dataset, most: int | None, tested: int
) -> None:
    """Train each approach with each power and seed, and print what was right."""
    print(f"\n{name}\n")
    print("| approach | balance | balanced accuracy | gain | … of accuracy |")
    print("|---|---|---|---|---|")
    labels = np.asarray(dataset.labels)
    parts = [uneven(labels, most, tested, seed) for seed in SEEDS]
    for approach in approaches:
        scores = {power: list(scored(approach, power, dataset, parts)) for power in POWERS}
        for power in POWERS:
            print(row(approach, power, np.array(scores[power]), np.array(scores[0.0])), flush=True)


def row(
    approach: str, power: float, scores: NDArray[np.float64], plain: NDArray[np.float64]
) -> str:
    """A line of the table, from seeds × 2 scores with this power and without."""
    gains = 100 * (scores - plain)
    errors = gains.std(0, ddof=1) / len(gains) ** 0.5
    told = [f"{gain:+.1f} ± {error:.1f}" for gain, error in zip(gains.mean(0), errors, strict=True)]
    if power == 0:
        told = ["", ""]
    return f"| {approach} | {power:g} | {scores[:, 0].mean():.1%} | {told[0]} | {told[1]} |"


def scored(
    approach: str, power: float, dataset: Dataset, parts: list[tuple[Rows, Rows]]
) -> Iterator[tuple[float, float]]:
    """Balanced accuracy and accuracy of each seed."""
    labels = np.asarray(dataset.labels)
    for seed, (train, test) in zip(SEEDS, parts, strict=True):
        model = Classifier(
            approach, settings={"balance": power}, budget="quick", threads=1, random_state=seed
        ).fit(dataset.pictures.take(train), labels[train])
        answers = model.predict(dataset.pictures.take(test))
        yield balanced_accuracy_score(labels[test], answers), accuracy_score(labels[test], answers)


def uneven(labels: Rows, most: int | None, tested: int, seed: int) -> tuple[Rows, Rows]:
    """Rows to train on and to test on; `most` of one class, `FEWEST` of another."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(labels))
    if most is None:
        train, test = train_test_split(rows, test_size=0.5, stratify=labels, random_state=seed)
        return train, test
    classes = rng.permutation(np.unique(labels))
    counts = np.geomspace(most, FEWEST, len(classes)).round().astype(int)
    train, test = [], []
    for label, count in zip(classes, counts, strict=True):
        own = rng.permutation(rows[labels == label])
        test.append(own[:tested])
        train.append(own[tested : tested + count])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


if __name__ == "__main__":
    main()
