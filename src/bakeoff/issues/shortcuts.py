"""Shortcuts a model could exploit: a class or group that background or size alone predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from bakeoff.data.duplicates.find import together
from bakeoff.data.health import MOST, Guessed, backgrounds, shortcut_accuracy, sizes
from bakeoff.evaluation.health import Shortcut
from bakeoff.evaluation.intervals import wilson
from bakeoff.issues.issue import Evidence, Issue
from bakeoff.said import say

__all__ = ["find"]

CLEARLY = 0.05  # above chance, the lower end of the interval: a smaller gain does no harm


def find(evidence: Evidence) -> Iterator[Issue]:
    """Shortcuts to the class, and to the group where there are several.

    The locked test is not looked at.
    """
    final = evidence.split.final
    learnable = np.concatenate([final.train, final.validation])
    rows = np.sort(np.random.default_rng(0).permutation(learnable)[:MOST])
    sample = evidence.dataset.take(rows)
    duplicates = [group.indices for group in evidence.duplicates]
    ids = together(len(evidence.dataset), duplicates)[rows]
    for by, features in (
        ("background", backgrounds(sample.pictures)),
        ("size", sizes(sample.pictures)),
    ):
        if features is None:
            continue
        yield from _issue("class", by, shortcut_accuracy(features, sample.labels, ids))
        if sample.groups is not None and len(np.unique(sample.groups)) > 1:
            yield from _issue("group", by, shortcut_accuracy(features, sample.groups, ids))


def _issue(
    predicts: Literal["class", "group"], by: str, guessed: Guessed | None
) -> Iterator[Issue]:
    if guessed is None:
        return
    low, high = wilson(guessed.right, guessed.pictures)
    if low < guessed.chance + CLEARLY:
        return
    accuracy = guessed.right / guessed.pictures
    words = say(
        "issue.shortcutClass" if predicts == "class" else "issue.shortcutGroup",
        by=say(f"by.{by}"),
        accuracy=accuracy,
        interval=(low, high),
        chance=guessed.chance,
    )
    shortcut = Shortcut(predicts, by, accuracy, (low, high), guessed.chance, words)
    yield Issue("shortcut", (), words, records=(shortcut,))
