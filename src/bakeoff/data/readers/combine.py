"""Join the datasets of several parts, such as Kaggle's train.csv and test.csv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.grouping import encode_names
from bakeoff.data.pictures import Pictures
from bakeoff.data.words import nfc
from bakeoff.said import described

__all__ = ["combine"]


def combine(parts: Sequence[tuple[Dataset, str, bool]]) -> Dataset:
    """Concatenate datasets, matching classes and groups by name.

    Where two of them have pictures of the same names, the names of all begin with their files.

    Parameters
    ----------
    parts : at least one dataset, and for each the name of its file and whether it is the
        official test part.

    Returns
    -------
    A dataset with the name of the first part. It has groups only if all parts do.
    """
    datasets = [dataset for dataset, _, _ in parts]
    every = Counter(name for dataset in datasets for name in set(dataset.names))
    if any(times > 1 for times in every.values()):
        datasets = [_below(file, dataset) for dataset, file, _ in parts]
    _, classes = encode_names(name for dataset in datasets for name in dataset.classes)
    groups, group_names = _groups(datasets)
    return replace(
        datasets[0],
        pictures=Pictures.collected(chain.from_iterable(d.pictures for d in datasets)),
        labels=np.concatenate([_moved(d.labels, d.classes, classes) for d in datasets]),
        classes=classes,
        names=tuple(name for dataset in datasets for name in dataset.names),
        groups=groups,
        group_names=group_names,
        official_test=np.repeat([test for _, _, test in parts], [len(d) for d in datasets]),
        left_out=tuple(record for dataset in datasets for record in dataset.left_out),
        description=described(*dict.fromkeys(dataset.description for dataset in datasets)),
    )


def _below(file: str, dataset: Dataset) -> Dataset:
    """The dataset with its file before the names of its pictures."""
    return replace(
        dataset,
        names=tuple(f"{file}/{name}" for name in dataset.names),
        left_out=tuple(
            replace(record, subject=f"{file}/{record.subject}")
            if record.subject in dataset.names
            else record
            for record in dataset.left_out
        ),
    )


def _groups(datasets: Sequence[Dataset]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    _, names = encode_names(name for dataset in datasets for name in dataset.group_names)
    moved = [_moved(d.groups, d.group_names, names) for d in datasets if d.groups is not None]
    return (np.concatenate(moved), names) if len(moved) == len(datasets) else (None, ())


def _moved(indices: NDArray[np.int64], old: Sequence[str], new: Sequence[str]) -> NDArray[np.int64]:
    """Indices into `old` as indices into `new`; indices outside of `old` become unlabelled."""
    place = {name: index for index, name in enumerate(new)}
    moves = np.asarray([*(place[nfc(name)] for name in old), UNLABELLED], dtype=np.int64)
    inside = (indices >= 0) & (indices < len(old))
    return moves[np.where(inside, indices, len(old))]
