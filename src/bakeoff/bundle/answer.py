"""A model's answer for one picture, and whether to trust it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.image import thumbnail, to_png
from bakeoff.data.words import count
from bakeoff.errors import LeftOut
from bakeoff.evaluation.records import NOTHING_DRAWN, SureRule, Trust

__all__ = ["Answer", "Answers", "Verdict", "answer_of"]

Verdict = Literal["sure", "between", "unsure", "out of distribution", "nothing drawn"]

NO_PROMISE = "not enough pictures to be sure"
SHOWN_CLASSES = 5  # in a repr
SHOWN_ANSWERS = 10
BAR = 20  # characters
PICTURE_SIDE = 128  # pixels, in a notebook


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """One model's answer for one picture.

    Attributes
    ----------
    name : of the picture, such as its file name; its path where file names repeat.
    label : the most probable class.
    probability : its calibrated probability.
    verdict : "sure"; "between" several classes; "unsure" if the model may be wrong too often
        with that probability, or if there were too few pictures to know; "out of distribution"
        for a picture unlike the training data; or "nothing drawn" for one that is blank, uniform,
        or a dot at most.
    possible : the classes that remain possible, most probable first; more than one for "between".
    ranking : every class with its probability, most probable first.
    ood_score : about 1 for pictures like the training data; higher means less like it.
    path : of the picture, as it was given.
    promised : false if there were not enough pictures to call any answer sure.
    cheapest : the class of least expected cost; None if the model knows of no costs.
    picture : H×W×C of uint8, if it is known. Only notebooks use it; it does not take part in
        comparisons.
    """

    name: str
    label: str
    probability: float
    verdict: Verdict
    possible: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]
    ood_score: float
    path: str = ""
    promised: bool = True
    cheapest: str | None = None
    picture: NDArray[np.uint8] | None = field(default=None, compare=False)

    @property
    def words(self) -> str:
        """The verdict as text for people, such as: between A and B, none of these."""
        if self.verdict == "out of distribution":
            return "none of these"
        if self.verdict == "unsure":
            return "not sure" if self.promised else NO_PROMISE
        if self.verdict != "between":
            return self.verdict
        *first, last = self.possible[:4]
        more = " …" if len(self.possible) > 4 else ""
        return f"between {', '.join(first)} and {last}{more}"

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain values, for JSON: an answer of `/api/predict` with every class.

        The picture is left out; a probability is a Python float.
        """
        return {
            "name": self.name,
            "path": self.path,
            "label": self.label,
            "probability": self.probability,
            "verdict": self.verdict,
            "words": self.words,
            "possible": list(self.possible),
            "top": [{"label": label, "probability": share} for label, share in self.ranking],
            "ood_score": self.ood_score,
            "cheapest": self.cheapest,
        }

    def __str__(self) -> str:
        return f"{self.name}: {self.label} ({self.probability:.1%}), {self.words}"

    def __repr__(self) -> str:
        shown = self.ranking[:SHOWN_CLASSES]
        width = max(len(label) for label, _ in shown)
        bars = [
            f"  {label:<{width}}  {share:6.1%}  {'█' * round(share * BAR)}".rstrip()
            for label, share in shown
        ]
        more = len(self.ranking) - len(shown)
        rest = [f"  … and {count(more, 'more class')}"] if more else []
        return "\n".join([str(self), *bars, *rest, f"  OOD score {self.ood_score:.2f}"])

    def _repr_html_(self) -> str:
        """The picture, if it is known, beside a bar for each of the most probable classes."""
        picture = ""
        if self.picture is not None:
            png = to_png(np.asarray(thumbnail(self.picture, PICTURE_SIDE, grow="fill")))
            uri = f"data:image/png;base64,{b64encode(png).decode()}"
            picture = f'<img src="{uri}" alt="{escape(self.name)}">'
        rows = "".join(
            f"<tr><td>{escape(label)}</td><td>{share:.1%}</td><td style='min-width:12em'>"
            f"<div style='background:#2a6fdb;height:.8em;width:{share:.1%}'></div></td></tr>"
            for label, share in self.ranking[:SHOWN_CLASSES]
        )
        return (
            "<div style='display:flex;gap:1em;align-items:center'>"
            f"{picture}<div><b>{escape(self.label)}</b>, {escape(self.words)} "
            f"<small>({escape(self.name)}, OOD score {self.ood_score:.2f})</small>"
            f"<table>{rows}</table></div></div>"
        )


class Answers(list[Answer]):
    """One answer for each picture, in order.

    `left_out` lists unreadable pictures with reasons, `notes` what could have been read otherwise.
    """

    def __init__(
        self,
        answers: list[Answer],
        left_out: tuple[LeftOut, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(answers)
        self.left_out = left_out
        self.notes = notes

    def __repr__(self) -> str:
        head = count(len(self), "answer")
        if self.left_out:
            head += f", {count(len(self.left_out), 'picture')} left out"
        more = len(self) - SHOWN_ANSWERS
        return "\n".join(
            [
                head,
                *(f"  {answer}" for answer in self[:SHOWN_ANSWERS]),
                *([f"  … and {more} more"] if more > 0 else []),
                *(f"  left out: {refusal}" for refusal in self.left_out[:SHOWN_ANSWERS]),
                *(f"  note: {note}" for note in self.notes[:SHOWN_ANSWERS]),
            ]
        )

    def _repr_html_(self) -> str:
        more = len(self) - SHOWN_ANSWERS
        rest = f"<p>… and {more} more</p>" if more > 0 else ""
        rest += "".join(f"<p>{escape(note)}</p>" for note in self.notes[:SHOWN_ANSWERS])
        return "".join(answer._repr_html_() for answer in self[:SHOWN_ANSWERS]) + rest


def answer_of(
    name: str,
    probabilities: NDArray[np.floating],
    ood_score: float,
    classes: list[str],
    trust: Trust | None,
    picture: NDArray[np.uint8] | None = None,
    path: str | None = None,
    cost: NDArray[np.float64] | None = None,
) -> Answer:
    """An `Answer` from K probabilities and an OOD score.

    Without thresholds (`trust` is None) every verdict on a drawing is "sure". The path is the name
    if there is no other. `cost` is K×K, of answering column where the truth is row.
    """
    order, shares = np.argsort(-probabilities, kind="stable").tolist(), probabilities.tolist()
    ranking = tuple((classes[index], shares[index]) for index in order)
    possible, unlike = ranking[:1], False
    if trust is not None:
        least = trust.least_by_class or [trust.least_probability] * len(classes)
        others = tuple(
            (classes[index], shares[index]) for index in order[1:] if shares[index] >= least[index]
        )
        possible, unlike = possible + others, ood_score > trust.max_ood_score
    rule = None if trust is None else trust.sure
    verdict: Verdict = "between" if possible[1:] else "sure"
    if verdict == "sure" and rule is not None and not _is_sure(rule, ranking[0][1], ood_score):
        verdict = "unsure"
    if ood_score >= NOTHING_DRAWN:
        verdict = "nothing drawn"
    elif unlike:
        verdict = "out of distribution"
    return Answer(
        name=name,
        label=ranking[0][0],
        probability=ranking[0][1],
        verdict=verdict,
        possible=tuple(label for label, _ in possible),
        ranking=ranking,
        ood_score=ood_score,
        path=name if path is None else path,
        promised=rule is None or rule.least_probability is not None,
        cheapest=None if cost is None else classes[int((np.asarray(shares) @ cost).argmin())],
        picture=picture,
    )


def _is_sure(rule: SureRule, probability: float, ood_score: float) -> bool:
    if rule.max_ood_score is not None and ood_score > rule.max_ood_score:
        return False
    return rule.least_probability is not None and probability >= rule.least_probability
