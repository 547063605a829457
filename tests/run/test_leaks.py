"""Small versions of benchmarks/leaks.py: what is planted is found, and shares a fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.pictures import Pictures
from bakeoff.data.split import Split, split
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake

from ..data.test_rotated import moved, scribble
from ..strokes import QUICKLY

ONCE: dict[str, Any] = QUICKLY | {"approaches": ("baseline",), "settings": {"": {"epochs": 1}}}
ORIGINALS, COPIES = 60, 24


@pytest.fixture(scope="module")
def leaking() -> Dataset:
    """Scribbles in two classes by lot; some are there again, turned a little."""
    rng = np.random.default_rng(0)
    drawings = [scribble(seed) for seed in range(ORIGINALS)]
    for row in range(COPIES):
        turn = float(rng.uniform(4, 9) * rng.choice([-1, 1]))
        x, y = rng.uniform(-1, 1, 2)
        drawings.append(moved(drawings[row], turn, (float(x), float(y))))
    labels = rng.permutation(np.arange(ORIGINALS) % 2)
    return Dataset(
        name="scribbles",
        pictures=Pictures.from_array(np.stack(drawings)),
        labels=np.concatenate([labels, labels[:COPIES]]).astype(np.int64),
        classes=("one", "other"),
        names=tuple(f"{row:03}.png" for row in range(len(drawings))),
    )


def folds_of(run: RunFolder, count: int) -> NDArray[np.int64]:
    """The fold that held each picture out."""
    part = np.full(count, -1)
    for number, name in enumerate(run.results().protocol.fold_names):
        part[run.load_unit("baseline", name)[1]["rows"]] = number
    return part


def test_rotated_copies_share_a_fold(leaking: Dataset, tmp_path: Path) -> None:
    run = bake(leaking, tmp_path / "run", **ONCE)
    planted = [[row, ORIGINALS + row] for row in range(COPIES)]
    told = run.results().dataset.duplicates
    assert [one.rows for one in told] == planted
    assert not any(one.exact for one in told)
    part = folds_of(run, len(leaking))
    assert all(part[row] == part[copy] >= 0 for row, copy in planted)


def right(dataset: Dataset, labels: NDArray[np.int64], parts: Split) -> float:
    """Share that the likest picture of the other folds is of the same class."""
    pixels = np.stack([one.ravel() for one in dataset.pictures]).astype(np.float64)
    found = 0
    for fold in parts.folds:
        learnt = np.concatenate([fold.train, fold.validation])
        likest = KNeighborsClassifier(1).fit(pixels[learnt], labels[learnt])
        found += int(np.sum(likest.predict(pixels[fold.held_out]) == labels[fold.held_out]))
    return found / len(dataset)


def test_with_nothing_to_learn_only_copies_in_two_folds_score(leaking: Dataset) -> None:
    ids = together(len(leaking), [one.indices for one in find_duplicates(leaking.pictures)])
    mixed, honest = [], []
    for seed in range(20):
        labels = np.random.default_rng(seed).permutation(np.arange(ORIGINALS) % 2)
        labels = np.concatenate([labels, labels[:COPIES]])
        mixed.append(right(leaking, labels, split(labels, seed=seed)))
        honest.append(right(leaking, labels, split(labels, seed=seed, together=ids)))
    # Guessing is right half of the time; of five copies four have their original elsewhere.
    assert np.mean(mixed) > 0.6
    assert np.mean(honest) < 0.54


def test_writers_share_a_fold_unasked(leaking: Dataset, tmp_path: Path) -> None:
    alone = leaking.take(np.arange(ORIGINALS))
    writers = np.arange(ORIGINALS) % 12
    grouped = Dataset(
        name=alone.name,
        pictures=alone.pictures,
        labels=(np.arange(ORIGINALS) // 12 % 2).astype(np.int64),
        classes=alone.classes,
        names=alone.names,
        groups=writers.astype(np.int64),
        group_names=tuple(f"writer {one}" for one in range(12)),
    )
    run = bake(grouped, tmp_path / "run", **ONCE)
    assert run.results().protocol.kept_together == "groups"
    part = folds_of(run, ORIGINALS)
    assert all(len(np.unique(part[writers == one])) == 1 for one in range(12))
