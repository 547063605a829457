"""Imbalance between classes, and classes without test pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bakeoff.data.words import count
from bakeoff.issues.issue import Evidence, Issue, counted, first_names

__all__ = ["find"]

IMBALANCED = 5.0  # times as many pictures in the largest class as in the smallest


def find(evidence: Evidence) -> Iterator[Issue]:
    """Imbalance between classes, then classes without test pictures."""
    dataset = evidence.dataset
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
    if dataset.official_test is not None:
        tested = np.unique(dataset.labels[dataset.official_test])
        missing = [name for number, name in enumerate(dataset.classes) if number not in tested]
        if missing:
            words = f"{counted(missing, 'class', 'has', 'have')} no test pictures: "
            yield Issue("class missing from the test", (), f"{words}{first_names(missing)}.")
