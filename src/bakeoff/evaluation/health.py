"""Records of what is wrong with a set of pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bakeoff.evaluation.records import Interval
from bakeoff.said import Message, Said, keep_message

__all__ = ["Health", "Odd", "Shortcut", "Suspect"]


@dataclass(frozen=True, slots=True)
class Odd:
    """A picture unlike the others: `what` is its kind ("empty"), `why` a description.

    `said` is the message of `why`; None of older runs and of plugins.
    """

    index: int
    name: str
    label: str
    what: str
    why: str
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "why")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A likely label error, and the class that the models propose instead.

    `quality` is the probability of the label, from 0 (certainly wrong) to 1; `agree` names the
    approaches that predict the proposed class.
    """

    index: int
    name: str
    label: str
    proposed: str
    quality: float
    agree: list[str]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A shortcut that a model could exploit.

    `by` (such as "background") alone predicts the class or group (`predicts`) with this accuracy;
    always answering the most frequent one has `chance`.
    """

    predicts: Literal["class", "group"]
    by: str
    accuracy: float
    interval: Interval
    chance: float
    words: str
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "words")


@dataclass(frozen=True, slots=True)
class Health:
    """The issues of a dataset; `words` has a sentence for each, `said` its message or None."""

    odd: list[Odd]
    suspects: list[Suspect]
    shortcuts: list[Shortcut]
    words: list[str]
    said: list[Message | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        if any(isinstance(one, Said) for one in self.words):
            messages = [one.message if isinstance(one, Said) else None for one in self.words]
            object.__setattr__(self, "said", messages)
            object.__setattr__(self, "words", [str(one) for one in self.words])
