"""An issue of a dataset, and the evidence that finders look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.corrections import Action
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import DuplicateGroup
from bakeoff.data.health import Oddity, odd_pictures
from bakeoff.data.split import Split
from bakeoff.evaluation.health import Odd, Shortcut, Suspect
from bakeoff.evaluation.suspects import suspects
from bakeoff.said import Said, say

__all__ = [
    "Evidence",
    "Finder",
    "Issue",
    "Predictions",
    "Proposal",
    "say_of",
]

NAMED = 3  # pictures that a sentence names


class Predictions(NamedTuple):
    """What one approach predicts for N pictures that its models never saw.

    Attributes
    ----------
    probabilities : N×K, calibrated.
    ood_score : N, how far each picture lies from the training pictures.
    """

    probabilities: NDArray[np.floating]
    ood_score: NDArray[np.floating]


@dataclass(frozen=True)
class Evidence:
    """What finders look at.

    Attributes
    ----------
    dataset : all pictures, those of the locked test among them.
    duplicates : groups of exact and near-duplicates.
    split : the folds and the test.
    predictions : by approach, for the pictures of `rows`; empty if no approach was scored.
    """

    dataset: Dataset
    duplicates: Sequence[DuplicateGroup]
    split: Split
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The rows that `predictions` are for: what the folds held out, then the test."""
        return np.concatenate([*(fold.held_out for fold in self.split.folds), self.split.test])

    @cached_property
    def odd_by_looks(self) -> list[Oddity]:
        """Pictures unlike the others, found without a model."""
        return odd_pictures(self.dataset.pictures)

    @cached_property
    def suspects(self) -> list[Suspect]:
        """Likely label errors, the likeliest first."""
        if not self.predictions:
            return []
        dataset, rows = self.dataset, self.rows
        probabilities = {name: made.probabilities for name, made in self.predictions.items()}
        return suspects(probabilities, dataset.labels[rows], dataset.classes, dataset.names, rows)

    def label(self, row: int) -> str:
        """The class of a picture; empty if it has none."""
        number = self.dataset.labels[row]
        return "" if number == UNLABELLED else self.dataset.classes[number]

    def labels(self, group: DuplicateGroup) -> set[int]:
        """The classes of a group of duplicates, as indices."""
        return set(self.dataset.labels[[*group.indices]].tolist()) - {UNLABELLED}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about one picture: a line of corrections.csv.

    Attributes
    ----------
    row : of the dataset.
    why : the reason, in words.
    action : "relabel", "leave out", or "keep" where a person should look first.
    label : the class that the picture should have, if another.
    quality : of the present label, from 0 (surely wrong) to 1; None if not measured.
    """

    row: int
    why: str
    action: Action = "keep"
    label: str = ""
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of problem that a dataset has.

    Attributes
    ----------
    kind : a name for it, such as "blurred".
    rows : the pictures behind it, as rows of the dataset; empty if it concerns the whole set.
    words : one or two sentences for the report.
    proposals : what to do about single pictures.
    records : the details that results.json keeps, for the kinds that it knows.
    """

    kind: str
    rows: tuple[int, ...]
    words: str
    proposals: tuple[Proposal, ...] = ()
    records: tuple[Odd | Suspect | Shortcut, ...] = ()


Finder: TypeAlias = Callable[[Evidence], Iterable[Issue]]


def say_of(code: str, names: Sequence[str], **values: Any) -> Said:
    """A sentence about pictures: their number, the first three names, and how many more."""
    more = len(names) - NAMED
    return say(
        code,
        n=len(names),
        names=list(names[:NAMED]),
        more=say("issue.more", n=more) if more > 0 else "",
        **values,
    )
