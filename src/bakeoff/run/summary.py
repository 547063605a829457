"""What a run says of itself beside its scores: the set, the protocol, the machine, each picture."""

from __future__ import annotations

from importlib.metadata import version
from platform import platform, python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import DuplicateGroup
from bakeoff.data.split import Split
from bakeoff.errors import LeftOut
from bakeoff.record.config import RunConfig
from bakeoff.record.results import DatasetSummary, Duplicate, PictureIndex, ProtocolSummary
from bakeoff.scoring.scored import Scored
from bakeoff.training.compute import Compute, processor

__all__ = [
    "dataset_summary",
    "machine_summary",
    "picture_index",
    "probabilities_of",
    "protocol_summary",
]


def machine_summary(compute: Compute) -> dict[str, str]:
    """Where it was trained, and how."""
    return {
        "platform": platform(),
        "processor": processor(),
        "python": python_version(),
        "torch": version("torch"),
        "device": compute.device,
        "threads": str(compute.threads),
        "precision": "bf16" if compute.bf16 else "fp32",
    }


def dataset_summary(
    dataset: Dataset, duplicates: list[DuplicateGroup], parts: Split, config: RunConfig
) -> DatasetSummary:
    """What was read, what of it was left out, and what is in it twice."""
    copies = [
        LeftOut(
            dataset.names[row],
            "is a copy of a picture in the official test part",
            "Nothing to do: it is kept out of training so that the test stays honest",
        )
        for row in parts.dropped
    ]
    labelled = dataset.labels[dataset.labels != UNLABELLED]
    groups = dataset.groups if dataset.groups is not None else np.empty(0, dtype=np.int64)
    return DatasetSummary(
        name=dataset.name,
        source=config.source,
        description=dataset.description,
        pictures=len(dataset),
        classes=list(dataset.classes),
        class_counts=np.bincount(labelled, minlength=len(dataset.classes)).tolist(),
        groups=list(dataset.group_names),
        group_counts=np.bincount(groups, minlength=len(dataset.group_names)).tolist(),
        fingerprint=config.fingerprint,
        left_out=[*dataset.left_out, *copies],
        duplicates=[
            Duplicate(
                names=[dataset.names[row] for row in one.indices],
                labels=[dataset.classes[dataset.labels[row]] for row in one.indices],
                exact=one.exact,
                rows=list(one.indices),
            )
            for one in duplicates
        ],
    )


def picture_index(dataset: Dataset, parts: Split) -> PictureIndex:
    """Name, label, group and part of every picture."""
    learnt = np.concatenate([parts.final.train, parts.final.validation])
    named = [
        ("kept out", np.arange(len(dataset))),
        ("training", learnt),
        *((fold.name, fold.held_out) for fold in parts.folds),
        ("test", parts.test),
    ]
    part = np.empty(len(dataset), dtype=np.int64)
    for number, (_, rows) in enumerate(named):
        part[rows] = number
    return PictureIndex(
        names=list(dataset.names),
        labels=dataset.labels.tolist(),
        groups=None if dataset.groups is None else dataset.groups.tolist(),
        parts=part.tolist(),
        part_names=[name for name, _ in named],
    )


def protocol_summary(
    dataset: Dataset, parts: Split, config: RunConfig, opened: str | None
) -> ProtocolSummary:
    """How it was scored, and when the locked test was opened."""
    return ProtocolSummary(
        folds=len(parts.folds),
        fold_names=[fold.name for fold in parts.folds],
        seed=config.seed,
        kept_together="groups" if config.keep_groups else "duplicates",
        leave_one_group_out=config.leave_one_group_out,
        training_pictures=len(parts.final.train) + len(parts.final.validation),
        test=parts.test_kind,
        test_pictures=len(parts.test),
        test_opened=opened,
        unscored=[dataset.classes[label] for label in parts.unscored_classes(dataset.labels)],
    )


def probabilities_of(parts: Split, scored: list[Scored]) -> dict[str, NDArray[Any]]:
    """The arrays of probabilities.npz: rows of the dataset, and what each approach said."""
    arrays: dict[str, NDArray[Any]] = {"test_rows": parts.test}
    if parts.folds:
        arrays["out_of_fold_rows"] = np.concatenate([fold.held_out for fold in parts.folds])
    for one in scored:
        for part, probabilities in (
            ("out_of_fold", one.probabilities),
            ("test", one.test_probabilities),
        ):
            if probabilities is not None:
                arrays[f"{one.name}_{part}"] = probabilities
    return arrays
