"""Plain records of measurements, without dependencies, so that any package can use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bakeoff.said import Message, Said, keep_message

__all__ = [
    "NOTHING_DRAWN",
    "ClassScore",
    "Comparison",
    "ConfusedPair",
    "CorruptionResult",
    "CurvePoint",
    "Forecast",
    "GroupScore",
    "HeadlineRecord",
    "LearningCurve",
    "Mistake",
    "Powered",
    "PseudoLabels",
    "ReliabilityBin",
    "Robustness",
    "Scores",
    "Sentence",
    "Strangers",
    "SureRule",
    "Trust",
    "TrustMeasured",
    "Verdict",
    "Winner",
]

NOTHING_DRAWN = 1e6
"""The OOD score of a picture on which nothing is drawn; every other score is lower."""

Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The scores of one class. `accuracy` is its recall, with its 95 % `interval`.

    `too_few` marks a class with so few pictures that its figures say next to nothing.
    `calibration_error` is how far its stated and its true frequency differ over all pictures; None
    in older runs.
    """

    name: str
    pictures: int
    accuracy: float
    interval: Interval
    precision: float
    f1: float
    too_few: bool = False
    calibration_error: float | None = None


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The scores of one group (a writer, a style). `confidence` is the mean confidence."""

    name: str
    pictures: int
    accuracy: float
    interval: Interval
    loss: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence, and how often they are right.

    `lower` and `upper` are the lowest and highest confidence in the bin, `confidence` its mean; a
    calibrated model has `accuracy` ≈ `confidence`.
    """

    lower: float
    upper: float
    pictures: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Powered:
    """The accuracy and its 95 % interval with the help of `pictures` without a label.

    `worth`: how many labelled pictures, independent of each other, would say as much.
    """

    pictures: int
    accuracy: float
    interval: Interval
    worth: float


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """What a second training on a model's own sure answers gains, on held-out labelled pictures.

    `pictures` have no label, `sure` of them were trained on in a fold, on average. `before` and
    `after` are the `metric` out of fold without and with them, `gain` is the difference with its
    95 % `interval`, positive if they help, and `p` the two-sided p of the paired test. They are
    `used`, in the scores and in the final model, only if the gain is shown.
    """

    pictures: int
    sure: float
    metric: str
    before: float
    after: float
    gain: float
    interval: Interval
    p: float
    used: bool
    words: str
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "words")


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one set of predictions.

    `loss` is the mean negative log-likelihood in nats. `confusion[i][j]` counts pictures of class
    i that were called class j. `reliability` is sorted by confidence, the least first. Intervals
    are 95 % intervals; see `bakeoff.evaluation.intervals`. `calibration_null_level` is the
    calibration error that a perfectly calibrated model would exceed by chance in 5 % of cases;
    `classwise_null_level` is that of the mean of the classes' own errors, None for very large sets.
    `metrics` holds every metric of `bakeoff.evaluation.metrics` by name, and the mean cost where
    confusions have costs; `metric_intervals` those intervals that have no field of their own.
    `powered` is None without unlabelled pictures, and where they do not help.
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
    classwise_null_level: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    metric_intervals: dict[str, Interval] = field(default_factory=dict)
    powered: Powered | None = None


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """`count` pictures of class `truth` were called `answer`."""

    truth: str
    answer: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong answer; `index` is the picture's row in the dataset.

    `probability` is that of the answer, `truth_probability` that of the true class, and `loss` its
    negative logarithm.
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

    `only_a` pictures are right only with `a`, `only_b` only with `b`. `mcnemar_p` is the exact
    two-sided p of these counts; `resampled_t_p` that of the corrected resampled t-test on the
    folds (None with fewer than two folds).
    `verdict` is one of "a", "b", "too close to call". Where another metric than accuracy is the
    headline, it rests on `metric_difference`, a minus b, and its two-sided `metric_p`.
    With 95 % confidence the accuracies differ by less than `equal_within`; None in older runs.
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
    metric: str = "accuracy"
    metric_difference: float | None = None
    metric_p: float | None = None
    equal_within: float | None = None
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "words")


@dataclass(frozen=True, slots=True)
class HeadlineRecord:
    """The metric that ranks the approaches of a run, and why it is that one.

    `guessing` is what always answering `guess`, the best single class, achieves.
    """

    name: str
    title: str
    why: str
    guess: str
    guessing: float
    higher_is_better: bool = True
    is_share: bool = True


@dataclass(frozen=True, slots=True)
class SureRule:
    """When an answer may be called sure: among such answers at most `error_rate` are wrong.

    That holds with this `confidence` if the most probable class has at least `least_probability`,
    no other class is possible, and the picture is not refused. None: `pictures` answers are too
    few, or too many of them are wrong, to promise it for any; no answer is then sure. Where models
    were asked for other things, sure answers have an OOD score of `max_ood_score` at most, lower
    than that from which pictures are refused, so that few other things are called sure.
    """

    error_rate: float
    confidence: float
    least_probability: float | None
    pictures: int
    max_ood_score: float | None = None


@dataclass(frozen=True, slots=True)
class Strangers:
    """What models say of drawings of other things, and of known drawings in the page's pens.

    `pictures` drawings of other things, of classes that no model learned from: the share that is
    `refused`, and the share that is called `sure`. `pen_pictures` unseen drawings of the set, each
    with every pen: the share refused, and the share of the right answers among them that are
    refused (None if no answer is right).
    """

    pictures: int
    refused: float
    sure: float
    pen_pictures: int
    pen_refused: float
    pen_right_refused: float | None


@dataclass(frozen=True, slots=True)
class TrustMeasured:
    """The rates that the thresholds reach on pictures that did not set them.

    `covered` is the share whose set of possible classes holds the truth, `sure` that of sets of
    one class, `sure_right` the accuracy of the latter (None if there are none), and `refused` the
    share of these in-distribution pictures that are refused. Sets are counted over all pictures,
    including refused ones; where there is a rule for "sure", only what it calls sure is. `others`
    is about drawings of other things, where that was measured.
    """

    pictures: int
    covered: float
    sure: float
    sure_right: float | None
    refused: float
    others: Strangers | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """When to trust an answer: thresholds, their target rates, and the measured rates.

    A class is possible from `least_probability` on; the most probable class always is. For at most
    a share `error_rate` of pictures like these the truth is not among the possible classes. A
    picture whose OOD score exceeds `max_ood_score` is out of distribution; at most a share
    `refusal_rate` of pictures like these are refused as such. `sure` is None in older runs and
    bundles, where every answer with one possible class is sure. Where classes are uneven,
    `least_by_class` has the probability from which each class is possible, in their order, so that
    the rate holds for rare classes too; else it is None.
    """

    error_rate: float
    least_probability: float
    refusal_rate: float
    max_ood_score: float
    measured: TrustMeasured | None
    sure: SureRule | None = None
    least_by_class: list[float] | None = None


@dataclass(frozen=True, slots=True)
class Winner:
    """The approach to trust, or None if the scores do not separate one; `why` in words."""

    name: str | None
    why: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Out-of-fold accuracy after training on `pictures` pictures, over `fits` fits."""

    pictures: int
    accuracy: float
    interval: Interval
    fits: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected accuracy with `times` as many pictures, with its 95 % interval."""

    times: float
    pictures: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Would more pictures help? The fitted error is `floor` + `scale` · pictures ** -`exponent`."""

    points: list[CurvePoint]
    floor: float
    scale: float
    exponent: float
    forecasts: list[Forecast]
    words: str
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "words")


@dataclass(frozen=True, slots=True)
class CorruptionResult:
    """The accuracy under one corruption at increasing strengths.

    `words` describes a corrupted picture ("rotated"), and `strengths` each strength ("3°"), to
    which `accuracy` belongs; `strengths_said` are their messages, for other languages.
    """

    name: str
    words: str
    strengths: list[str]
    accuracy: list[float]
    strengths_said: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        messages = [one.message for one in self.strengths if isinstance(one, Said)]
        if messages:
            object.__setattr__(self, "strengths_said", messages)
            object.__setattr__(self, "strengths", [str(one) for one in self.strengths])


@dataclass(frozen=True, slots=True)
class Robustness:
    """The robustness of an approach, on `pictures` pictures that its models had not seen.

    `clean` is the accuracy on the same pictures without corruption, `mean` that over all
    corruptions and strengths. `weakest` names the three corruptions that cost most, the worst
    first.
    """

    pictures: int
    clean: float
    mean: float
    corruptions: list[CorruptionResult]
    weakest: list[str]
    words: str
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "words")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the verdict; `about` says which question it answers.

    `see` says where the pictures or numbers behind it are, and `name` for which class or group.
    `said` is what it says for other languages; None in older runs.
    """

    about: Literal["which", "sure", "cost", "where", "next"]
    text: str
    see: Literal["suspects", "class", "group", "learning", "robustness"] | None = None
    name: str | None = None
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "text")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run in plain words, written by rules.

    `headline` is the whole of it in one line, the same in the terminal, on the page and in the
    report; "" in runs of older versions. `use` names the approach that it recommends.
    """

    sentences: list[Sentence]
    headline: str = ""
    use: str | None = None
    said: Message | None = None

    def __post_init__(self) -> None:
        keep_message(self, "headline")

    @property
    def why(self) -> str:
        """The headline and its reason, in one paragraph."""
        reasons = (one.text for one in self.sentences if one.about == "which")
        return " ".join(filter(None, [self.headline, *reasons]))

    @property
    def why_said(self) -> list[Message]:
        """The messages of the sentences in `why`; empty if one has none."""
        reasons = [one.said for one in self.sentences if one.about == "which"]
        messages = [one for one in [self.said, *reasons] if one is not None]
        return messages if len(messages) == 1 + len(reasons) else []
