"""Imbalance between classes, and classes without a score or without test pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bakeoff.data.words import count
from bakeoff.evaluation.prose import cannot_be_scored
from bakeoff.issues.issue import Evidence, Issue, counted, first_names

__all__ = ["find"]

IMBALANCED = 5.0  # times as many pictures in the largest class as in the smallest


def find(evidence: Evidence) -> Iterator[Issue]:
    """Imbalance between classes, then classes without a score, then those without test pictures."""
    dataset = evidence.dataset
    without = evidence.split.unscored_classes(dataset.labels)
    counts = np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(dataset.classes))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= IMBALANCED * counts[least]:
        yield Issue(
            "imbalanced classes",
            (),
            f"The classes are imbalanced: {dataset.classes[most]} has "
            f"{count(int(counts[most]), 'picture')}, {dataset.classes[least]} has {counts[least]}. "
            "Accuracy mostly reflects the large classes; balanced accuracy counts all equally.",
        )
    if without:
        rows = np.flatnonzero(np.isin(dataset.labels, without))
        unscored = cannot_be_scored([dataset.classes[number] for number in without])
        yield Issue("class without a score", tuple(rows.tolist()), unscored)
    if dataset.official_test is not None:
        tested = np.unique(dataset.labels[dataset.official_test])
        missing = [name for number, name in enumerate(dataset.classes) if number not in tested]
        if missing:
            words = f"{counted(missing, 'class', 'has', 'have')} no test pictures: "
            yield Issue("class missing from the test", (), f"{words}{first_names(missing)}.")
