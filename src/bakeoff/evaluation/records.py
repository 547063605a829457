"""Plain records of what was measured: no libraries, so that any room may hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "ClassScore",
    "Comparison",
    "ConfusedPair",
    "CorruptionResult",
    "CurvePoint",
    "Forecast",
    "GroupScore",
    "Health",
    "LearningCurve",
    "Mistake",
    "Odd",
    "ReliabilityBin",
    "Robustness",
    "Scores",
    "Sentence",
    "Shortcut",
    "Suspect",
    "Trust",
    "TrustMeasured",
    "Verdict",
    "Winner",
]

Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fared. `accuracy` is its recall; `interval` is the 95 % one."""

    name: str
    pictures: int
    accuracy: float
    interval: Interval
    precision: float
    f1: float


@dataclass(frozen=True, slots=True)
class GroupScore:
    """How one group (a writer, a style) fared. `confidence` is the mean of what was stated."""

    name: str
    pictures: int
    accuracy: float
    interval: Interval
    loss: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence, and how often they were right.

    `lower` and `upper` are the least and greatest confidence in the bin,
    `confidence` its mean; a calibrated model has `accuracy` ≈ `confidence`.
    """

    lower: float
    upper: float
    pictures: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Every figure computed from one set of probabilities.

    `loss` is the mean negative log-likelihood in nats. `confusion[i][j]` counts
    pictures of class i that were called class j. `reliability` runs from the
    least sure answers to the surest. Intervals are 95 % ones; see `bakeoff.evaluation.intervals`.
    `calibration_null_level` is the calibration error that a perfectly calibrated model would exceed
    on so many pictures one time in twenty.
    """

    pictures: int
    correct: int
    accuracy: float
    interval: Interval
    loss: float
    calibration_error: float
    per_class: list[ClassScore]
    per_group: list[GroupScore]
    confusion: list[list[int]]
    reliability: list[ReliabilityBin]
    loss_interval: Interval | None = None
    calibration_interval: Interval | None = None
    calibration_null_level: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """`count` pictures of class `truth` were called `answer`."""

    truth: str
    answer: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """One picture that was called something else; `index` is its row in the dataset.

    `probability` is what the answer was given, `truth_probability` what the
    true class was given, `loss` is minus the log of the latter.
    """

    index: int
    name: str
    truth: str
    answer: str
    probability: float
    truth_probability: float
    loss: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two approaches on the same pictures.

    `only_a` pictures are right with `a` alone, `only_b` with `b` alone.
    `mcnemar_p` is the exact two-sided p of those counts; `resampled_t_p` the
    corrected resampled t-test on the folds (None with fewer than two folds).
    `verdict` is one of "a", "b", "too close to call".
    """

    a: str
    b: str
    pictures: int
    only_a: int
    only_b: int
    difference: float
    mcnemar_p: float
    resampled_t_p: float | None
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class TrustMeasured:
    """What came of the thresholds on pictures that did not set them.

    `covered` is the share whose set of possible classes holds the truth, `sure` that of sets of
    one class, `sure_right` how often those are right (None where there are none), `refused` the
    share of these familiar pictures that was taken for none of the classes. Sets are counted
    over all pictures, the refused ones too.
    """

    pictures: int
    covered: float
    sure: float
    sure_right: float | None
    refused: float


@dataclass(frozen=True, slots=True)
class Trust:
    """When to believe an answer: thresholds, the rates they are meant for, and those measured.

    A class is possible from `least_probability` on; the likeliest one always is. At most
    `error_rate` of pictures like these have a truth outside of the possible classes. A picture
    whose OOD score exceeds `max_ood_score` is none of the classes; at most `refusal_rate`
    of pictures like these are so refused.
    """

    error_rate: float
    least_probability: float
    refusal_rate: float
    max_ood_score: float
    measured: TrustMeasured | None


@dataclass(frozen=True, slots=True)
class Winner:
    """The approach to trust, or None where the figures cannot tell; `why` in plain words."""

    name: str | None
    why: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy on pictures never seen, learnt from so many `pictures`, over `fits` fits."""

    pictures: int
    accuracy: float
    interval: Interval
    fits: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect from `times` as many pictures, with the 95 % interval of that guess."""

    times: float
    pictures: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Would more pictures help? The error is `floor` + `scale` · pictures ** -`exponent`."""

    points: list[CurvePoint]
    floor: float
    scale: float
    exponent: float
    forecasts: list[Forecast]
    words: str


@dataclass(frozen=True, slots=True)
class CorruptionResult:
    """One change that leaves the label true, at growing strengths.

    `words` says what was done ("turned"), `strengths` how much ("3°"), and `accuracy` what was
    still right, strength by strength.
    """

    name: str
    words: str
    strengths: list[str]
    accuracy: list[float]


@dataclass(frozen=True, slots=True)
class Robustness:
    """How an approach stands changes, on `pictures` that its models had not seen.

    `clean` is the accuracy on the same pictures as they are, `mean` that over all changes and
    strengths. `weakest` names the three changes that cost most, the worst first.
    """

    pictures: int
    clean: float
    mean: float
    corruptions: list[CorruptionResult]
    weakest: list[str]
    words: str


@dataclass(frozen=True, slots=True)
class Odd:
    """A picture unlike the others: `what` in a word ("empty"), `why` in a sentence."""

    index: int
    name: str
    label: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that the models doubt, and the class they `propose` instead.

    `quality` runs from 0 (surely wrong) to 1; `agree` names the approaches that say the same.
    """

    index: int
    name: str
    label: str
    proposed: str
    quality: float
    agree: list[str]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Something that should tell nothing and does.

    By `by` (such as "background") alone, `predicts` ("class" or "group") is predicted with this
    accuracy, where always naming the most frequent has `chance`.
    """

    predicts: Literal["class", "group"]
    by: str
    accuracy: float
    interval: Interval
    chance: float
    words: str


@dataclass(frozen=True, slots=True)
class Health:
    """What is odd about a dataset; `words` has a sentence for each kind of finding."""

    odd: list[Odd]
    suspects: list[Suspect]
    shortcuts: list[Shortcut]
    words: list[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A part of the verdict: `about` says which question it answers.

    `see` is where the pictures or figures behind it are, and `name` of which class or group.
    """

    about: Literal["which", "sure", "cost", "where", "next"]
    text: str
    see: Literal["suspects", "class", "group", "learning", "robustness"] | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to make of it all, in plain words, written from the figures by rules."""

    sentences: list[Sentence]
