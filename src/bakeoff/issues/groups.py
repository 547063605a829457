"""Groups that are spread over several folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bakeoff.issues.issue import Evidence, Issue
from bakeoff.said import say

__all__ = ["find"]


def find(evidence: Evidence) -> Iterator[Issue]:
    """Whether models are scored on groups that they were trained on."""
    groups, folds = evidence.dataset.groups, evidence.split.folds
    if groups is None:
        return
    if any(np.isin(groups[fold.held_out], groups[fold.train]).any() for fold in folds):
        yield Issue(
            "groups in several folds",
            (),
            say("issue.groups"),
        )
