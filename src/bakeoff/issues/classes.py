"""Imbalance between classes, and classes without a score or without test pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bakeoff.evaluation.headline import UNEVEN
from bakeoff.evaluation.prose import cannot_be_scored
from bakeoff.issues.issue import Evidence, Issue, say_of
from bakeoff.said import say

__all__ = ["find"]


def find(evidence: Evidence) -> Iterator[Issue]:
    """Imbalance between classes, then classes without a score, then those without test pictures."""
    dataset = evidence.dataset
    without = evidence.split.unscored_classes(dataset.labels)
    counts = np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(dataset.classes))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= UNEVEN * counts[least]:
        yield Issue(
            "imbalanced classes",
            (),
            say(
                "issue.imbalanced",
                large=dataset.classes[most],
                most=int(counts[most]),
                small=dataset.classes[least],
                least=int(counts[least]),
            ),
        )
    if without:
        rows = np.flatnonzero(np.isin(dataset.labels, without))
        unscored = cannot_be_scored([dataset.classes[number] for number in without])
        yield Issue("class without a score", tuple(rows.tolist()), unscored)
    if dataset.official_test is not None:
        tested = np.unique(dataset.labels[dataset.official_test])
        missing = [name for number, name in enumerate(dataset.classes) if number not in tested]
        if missing:
            yield Issue("class missing from the test", (), say_of("issue.noTest", missing))
