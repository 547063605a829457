"""What to label next, in order and with reasons: from what models say, without files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.next.picks import (
    Coverage,
    cover,
    doubt,
    evened,
    foremost,
    likeness,
    unit_features,
    worth,
)
from bakeoff.said import Said, say

__all__ = ["Answered", "Candidate", "cold_ranking", "ranking"]

MANY = 5  # pictures for which one stands, to say so
UNSURE = 0.5  # of `doubt`, to name the two classes
APART = 0.05  # of the labelled pictures are as far from all others, or farther
STRANGERS = 4  # picks for each stranger that is listed beside them
COMPARED = 2_000  # labelled pictures whose distances say what is far


@dataclass(frozen=True)
class Candidate:
    """A picture to label.

    Attributes
    ----------
    row : of the pictures without a label.
    reasons : why, in words, the strongest first.
    guess : the class that the models together find most probable; "" without models.
    probability : of the guess, their mean; NaN without models.
    stranger : whether it is apart: unlike all that the models learned from.
    """

    row: int
    reasons: tuple[Said, ...]
    guess: str = ""
    probability: float = float("nan")
    stranger: bool = False


@dataclass(frozen=True)
class Answered:
    """What models say of N pictures without a label.

    Attributes
    ----------
    classes : K names.
    probabilities : of each model, N×K.
    strangers : N, whether most models call it out of distribution.
    blank : N, whether nothing is on it, so that there is nothing to label.
    """

    classes: Sequence[str]
    probabilities: Mapping[str, NDArray[np.floating]]
    strangers: NDArray[np.bool_]
    blank: NDArray[np.bool_]


def ranking(
    answered: Answered,
    features: NDArray[np.floating],
    labelled: NDArray[np.floating],
    take: int,
    *,
    seed: int = 0,
) -> list[Candidate]:
    """The pictures whose labels would help most: `take` of them, then some strangers, apart.

    Doubt says what is worth knowing, and coverage what one label says of the others, so that of
    twenty near-copies one is chosen. Strangers, which may be of no class, are chosen by
    themselves; they fill up the list only where there is nothing else.

    Parameters
    ----------
    answered : of N pictures.
    features : N×E of the same pictures.
    labelled : M×E, of the pictures that have a label.
    take : how many to choose.
    seed : of samples, where there are many pictures.
    """
    ours, theirs = unit_features(features, labelled)
    doubts = doubt(list(answered.probabilities.values()))
    weights = worth(doubts, len(answered.classes), len(labelled))
    known = np.flatnonzero(~answered.strangers & ~answered.blank)
    share = foremost(len(answered.classes), len(labelled))
    picks = cover(ours[known], weights[known], theirs, take, share=share, seed=seed)
    chosen = known[picks.rows]
    strange = np.flatnonzero(answered.strangers & ~answered.blank)
    some = max(take - len(chosen), take // STRANGERS)
    covered = np.concatenate([theirs, ours[chosen]])
    apart = cover(ours[strange], np.ones(len(strange)), covered, some, seed=seed)
    far = _far(theirs, seed)
    return [
        *_candidates(answered, known, picks, far),
        *_candidates(answered, strange, apart, far),
    ]


def cold_ranking(
    features: NDArray[np.floating], labelled: NDArray[np.floating], take: int, *, seed: int = 0
) -> list[Candidate]:
    """What to label first, without any model: a typical picture of each group.

    Of a group ten times as large, fewer than ten times as many.

    Parameters
    ----------
    features, labelled, take, seed : as of `ranking`; there may be no labelled pictures.
    """
    ours, theirs = unit_features(features, labelled)
    picks = cover(ours, evened(ours, seed=seed), theirs, take, seed=seed)
    return [
        Candidate(int(row), (_many(int(number)) or say("why.unlikeOthers"),))
        for row, number in zip(picks.rows, picks.stand_for, strict=True)
    ]


def _candidates(
    answered: Answered, rows: NDArray[np.int64], picks: Coverage, far: float
) -> list[Candidate]:
    means = np.mean(list(answered.probabilities.values()), axis=0)
    doubts = doubt(list(answered.probabilities.values()))
    found = []
    for place, row in enumerate(rows[picks.rows]):
        stranger = bool(answered.strangers[row])
        reasons = [
            say("why.stranger") if stranger else None,
            None if stranger else _of_models(answered, int(row), float(doubts[row]), means[row]),
            say("why.unlikeAll") if picks.nearest[place] < far else None,
            _many(int(picks.stand_for[place])),
        ]
        best = int(means[row].argmax())
        found.append(
            Candidate(
                int(row),
                tuple(reason for reason in reasons if reason) or (say("why.variety"),),
                answered.classes[best],
                float(means[row, best]),
                stranger,
            )
        )
    return found


def _of_models(
    answered: Answered, row: int, doubted: float, mean: NDArray[np.floating]
) -> Said | None:
    """That models disagree, or between which two classes all hesitate; None if neither."""
    votes = Counter(
        answered.classes[int(own[row].argmax())] for own in answered.probabilities.values()
    )
    if len(votes) > 1:
        return say("why.disagree", classes=" / ".join(name for name, _ in votes.most_common(3)))
    first, second = np.argsort(-mean, kind="stable")[:2]
    if doubted >= UNSURE:
        return say("why.between", first=answered.classes[first], second=answered.classes[second])
    return None


def _many(number: int) -> Said | None:
    return say("why.many", pictures=number) if number >= MANY else None


def _far(labelled: NDArray[np.float32], seed: int) -> float:
    """The likeness below which a picture is unlike all labelled ones, by how alike these are."""
    if len(labelled) < 2:
        return 0.0
    rows = np.random.default_rng(seed).permutation(len(labelled))[:COMPARED]
    alike = likeness(labelled[rows], labelled[rows])
    np.fill_diagonal(alike, 0)
    return float(np.quantile(alike.max(axis=1), APART))
