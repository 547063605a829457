"""What a model says of one picture, and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import LeftOut
from bakeoff.evaluation.records import Trust

__all__ = ["Answer", "Answers", "Verdict", "answer_of"]

Verdict = Literal["sure", "between", "none of these"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says of one picture.

    Attributes
    ----------
    name : of the picture, such as its file name.
    label : the likeliest class.
    probability : its calibrated probability.
    verdict : "sure", "between" several classes, or "none of these", which is said of pictures
        unlike all that the model learned from.
    possible : the classes that it may be, likeliest first: more than one for "between".
    ranking : every class with its probability, likeliest first.
    OOD score : about 1 for pictures like those that the model learned from; more is stranger.
    """

    name: str
    label: str
    probability: float
    verdict: Verdict
    possible: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]
    ood_score: float

    @property
    def words(self) -> str:
        """The verdict as people say it: sure, between A and B, none of these."""
        if self.verdict != "between":
            return self.verdict
        *first, last = self.possible[:4]
        more = " …" if len(self.possible) > 4 else ""
        return f"between {', '.join(first)} and {last}{more}"


class Answers(list[Answer]):
    """One answer for each picture, in order; `left_out` lists what could not be read, and why."""

    def __init__(self, answers: list[Answer], left_out: tuple[LeftOut, ...] = ()) -> None:
        super().__init__(answers)
        self.left_out = left_out


def answer_of(
    name: str,
    probabilities: NDArray[np.floating],
    ood_score: float,
    classes: list[str],
    trust: Trust | None,
) -> Answer:
    """K probabilities and a OOD score, in words.

    Without thresholds every answer is "sure": there was no picture to set them by.
    """
    order, shares = np.argsort(-probabilities, kind="stable").tolist(), probabilities.tolist()
    ranking = tuple((classes[place], shares[place]) for place in order)
    possible, strange = ranking[:1], False
    if trust is not None:
        others = tuple(one for one in ranking[1:] if one[1] >= trust.least_probability)
        possible, strange = possible + others, ood_score > trust.max_ood_score
    verdict: Verdict = "none of these" if strange else "between" if possible[1:] else "sure"
    return Answer(
        name=name,
        label=ranking[0][0],
        probability=ranking[0][1],
        verdict=verdict,
        possible=tuple(label for label, _ in possible),
        ranking=ranking,
        ood_score=ood_score,
    )
