"""Shortcuts a model could exploit: a class or group that background or size alone predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from bakeoff.data.duplicates.find import together
from bakeoff.data.health import MOST, Guessed, backgrounds, shortcut_accuracy, sizes
from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.prose import percent, span
from bakeoff.evaluation.records import Shortcut
from bakeoff.issues.issue import Evidence, Issue

__all__ = ["find"]

CLEARLY = 0.05  # above chance, the lower end of the interval: a smaller gain does no harm
CONSEQUENCES = {
    "class": "Models may learn this shortcut instead of the content: take the pictures of all "
    "classes in the same way, or trust only scores on pictures taken in another way.",
    "group": "Models may recognise groups by it: --leave-one-group-out shows how well they do on "
    "a new group.",
}


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
    words = (
        f"The {by} of a picture alone predicts its {predicts} in {percent(accuracy)} of cases "
        f"(95 % interval {span((low, high))}); always answering the most frequent {predicts} is "
        f"right in {percent(guessed.chance)}. {CONSEQUENCES[predicts]}"
    )
    shortcut = Shortcut(predicts, by, accuracy, (low, high), guessed.chance, words)
    yield Issue("shortcut", (), words, records=(shortcut,))
