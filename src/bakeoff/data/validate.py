"""The last step of every reader: keep what can be trained on, and describe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.looks import Looks
from bakeoff.data.words import count, nfc, nor_others
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.said import described, say

__all__ = ["TooFewClassesError", "validate"]

LOOKS: dict[Looks, str] = {
    "ink is high": "looks.inkHigh",
    "ink is low": "looks.inkLow",
    "photos": "looks.photos",
}
_CLASSES_HINT = (
    "Put the pictures of each class into a folder named after it (cat/01.png, dog/01.png), "
    "or give a table with a column label"
)


class TooFewClassesError(BakeoffError):
    """Fewer than two classes have two training pictures."""


def validate(dataset: Dataset) -> Dataset:
    """Leave out what cannot be trained on, renumber the classes, and describe the dataset.

    Left out and listed are: labels outside the classes, pictures without a label, and
    classes without a training picture. A class with one is learned and cannot be scored.

    Parameters
    ----------
    dataset : as a reader made it; `description` holds the layout only ("Kaggle CSV").

    Returns
    -------
    A dataset of which every label is a class and every class has a training picture.

    Raises
    ------
    BakeoffError
        Nothing is labelled, or fewer than two classes are left.
    """
    dataset = _in_nfc(dataset)
    if not len(dataset):
        raise BakeoffError(
            dataset.name, f"no picture in it can be used{_first(dataset.left_out)}", _CLASSES_HINT
        )
    if (dataset.labels == UNLABELLED).all():
        raise BakeoffError(dataset.name, "none of its pictures has a label", _CLASSES_HINT)
    left_out = list(dataset.left_out)
    known = _labelled(dataset, left_out)
    kept_classes = _trainable_classes(dataset, known, left_out)
    if len(kept_classes) < 2:
        raise TooFewClassesError(
            dataset.name,
            f"at least two classes with training pictures are needed; found {len(kept_classes)}"
            f"{_first(left_out)}",
            "Add pictures of at least two classes",
        )
    kept = np.flatnonzero(known & np.isin(dataset.labels, kept_classes)).astype(np.int64)
    result = dataset.take(kept)
    groups, group_names = _dense(result.groups, result.group_names)
    test = result.official_test
    result = replace(
        result,
        labels=np.searchsorted(kept_classes, result.labels).astype(np.int64),
        classes=tuple(dataset.classes[index] for index in kept_classes),
        groups=groups,
        group_names=group_names,
        official_test=test if test is not None and test.any() else None,
        left_out=tuple(left_out),
    )
    return replace(result, description=_description(result))


def _in_nfc(dataset: Dataset) -> Dataset:
    """All names in NFC; classes and groups whose names are then the same become one."""
    labels, classes = _merged(dataset.labels, dataset.classes)
    groups, group_names = dataset.groups, dataset.group_names
    if groups is not None:
        groups, group_names = _merged(groups, group_names)
    return replace(
        dataset,
        labels=labels,
        classes=classes,
        names=tuple(map(nfc, dataset.names)),
        groups=groups,
        group_names=group_names,
    )


def _merged(
    indices: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Indices into the names in NFC, without repetition; those outside of the names stay."""
    kept = tuple(dict.fromkeys(map(nfc, names)))
    if kept == names:
        return indices, names
    moves = np.asarray([kept.index(nfc(name)) for name in names], dtype=np.int64)
    inside = (indices >= 0) & (indices < len(names))
    return np.where(inside, moves[np.where(inside, indices, 0)], indices), kept


def _labelled(dataset: Dataset, left_out: list[LeftOut]) -> NDArray[np.bool_]:
    """Which pictures have a label that is a class."""
    unlabelled = np.flatnonzero(dataset.labels == UNLABELLED)
    if len(unlabelled):
        others = nor_others(len(unlabelled))
        left_out.append(
            LeftOut(
                dataset.names[unlabelled[0]],
                f"it has no label{others}",
                "Give it a label; bakeoff next RUN says which to begin with",
            )
        )
    inside = (dataset.labels >= 0) & (dataset.labels < len(dataset.classes))
    for index in np.flatnonzero(~inside & (dataset.labels != UNLABELLED)):
        problem = (
            f"its label {dataset.labels[index]} is not one of the {len(dataset.classes)} classes"
        )
        left_out.append(LeftOut(dataset.names[index], problem, "Correct the label"))
    return inside


def _trainable_classes(
    dataset: Dataset, known: NDArray[np.bool_], left_out: list[LeftOut]
) -> NDArray[np.int64]:
    """Indices of the classes with a training picture, ascending."""
    training = known if dataset.official_test is None else known & ~dataset.official_test
    counts = np.bincount(dataset.labels[training], minlength=len(dataset.classes))
    for index in np.flatnonzero(counts == 0):
        lost = [dataset.names[i] for i in np.flatnonzero(known & (dataset.labels == index))]
        problem = "the class has no training picture"
        hint = "Add more pictures of this class, or remove it"
        left_out.append(LeftOut(f"class '{dataset.classes[index]}'", problem, hint))
        for name in lost:
            problem = f"its class '{dataset.classes[index]}' has no training picture"
            left_out.append(LeftOut(name, problem, "Add more pictures of this class"))
    return np.flatnonzero(counts > 0).astype(np.int64)


def _dense(
    groups: NDArray[np.int64] | None, names: tuple[str, ...]
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Only the groups that still have a picture."""
    if groups is None:
        return None, ()
    used, dense = np.unique(groups, return_inverse=True)
    return dense.astype(np.int64), tuple(names[index] for index in used)


def _description(dataset: Dataset) -> str:
    words = [
        dataset.description,
        say("set.pictures", pictures=len(dataset), sizes=dataset.pictures.sizes),
        say("set.classes", n=len(dataset.classes)),
    ]
    if dataset.groups is not None:
        words.append(say("set.groups", n=len(dataset.group_names)))
    if dataset.official_test is not None:
        words.append(say("set.officialTest", n=int(dataset.official_test.sum())))
    return described(*words, say(LOOKS[dataset.pictures.looks]))


def _first(left_out: Sequence[LeftOut]) -> str:
    """The first item that was left out, which is likely why nothing remains."""
    if not left_out:
        return ""
    first = left_out[0]
    return f" ({count(len(left_out), 'item')} left out; {first.subject}: {first.problem})"
