"""The schema of `study.json`: what a search of settings tried, and what it found.

`StudyResults.model_json_schema()` is the reference; `docs/study.schema.json` holds it. The file is
rewritten after every trial, so it can be read while the search is running.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bakeoff.record.results import EpochRecord
from bakeoff.said import Message, with_messages

__all__ = [
    "RUN_OPTIONS",
    "STUDY_SCHEMA_VERSION",
    "Aim",
    "Domain",
    "OuterScore",
    "Recommendation",
    "Search",
    "SearchOptions",
    "StudyProtocol",
    "StudyResults",
    "TrialFold",
    "TrialRecord",
]

STUDY_SCHEMA_VERSION = 2

Aim = Literal["loss", "accuracy", "latency", "size"]
Setting = bool | int | float | str | list[int] | None


# The options of a run that a search takes too.
RUN_OPTIONS = ("group", "label", "keep_groups", "folds", "budget", "seed", "threads")


class SearchOptions(BaseModel):
    """What users choose of a search, on the command line and on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: Annotated[
        int,
        Field(
            ge=2,
            le=10_000,
            description="Trials for each approach; the first are its defaults.",
        ),
    ] = 25
    seconds: Annotated[float | None, Field(gt=0, description="Start no trial after this long.")] = (
        None
    )
    aims: Annotated[
        tuple[Aim, ...],
        Field(
            min_length=1,
            max_length=2,
            description="What to improve; two give the best of the second among those as good in "
            "the first.",
        ),
    ] = ("loss",)
    inner: Annotated[
        int | None,
        Field(
            ge=1,
            description="Folds each trial is scored on. Default: 3, or 1 from 2 000 pictures on.",
        ),
    ] = None

    @field_validator("aims")
    @classmethod
    def _two_aims(cls, aims: tuple[Aim, ...]) -> tuple[Aim, ...]:
        if len(set(aims)) < len(aims):
            raise ValueError("the two aims are the same")
        return aims


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Domain(_Record):
    """What is tried of one setting: one of `choices`, or a number from `low` to `high`.

    `default` is the value in a run without this setting; None if it depends on the pictures.
    `log` says that the number is drawn by its order of magnitude.
    """

    choices: list[Setting] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    whole: bool = False
    default: Setting = None


class TrialFold(_Record):
    """One fit of a trial on one of the inner folds. The scores are on what that fold held out."""

    name: str
    accuracy: float | None
    loss: float | None
    best_epoch: int | None
    curve: list[EpochRecord]


class TrialRecord(_Record):
    """One choice of settings, and how it did on pictures of the inner folds.

    Attributes
    ----------
    number : in the order of the search; 0 are the defaults.
    state : "pruned" was stopped early, "failed" could not be trained.
    why : in words, where a trial was pruned or failed; `why_said` is its message.
    accuracy, loss : over all inner held-out pictures; None unless finished.
    latency_ms : one picture, in PyTorch.
    bytes : of the weights.
    seconds : all of its fits together.
    front : no other trial is as good in every aim and better in one.
    """

    number: int
    state: Literal["finished", "pruned", "failed", "running"]
    why: str | None = None
    why_said: Message | None = None
    settings: dict[str, Setting]
    accuracy: float | None = None
    loss: float | None = None
    latency_ms: float | None = None
    bytes: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    front: bool = False
    folds: list[TrialFold] = []

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "why")


class OuterScore(_Record):
    """A choice of settings on the outer pictures, which no trial saw; `interval` is of 95 %."""

    accuracy: float
    interval: tuple[float, float]
    loss: float


class Recommendation(_Record):
    """The recommended trial of an approach, and how optimistic its own score was.

    Attributes
    ----------
    trial : its number; 0 if no trial is clearly better than the defaults.
    why : in words.
    best : the trial with the best score of its own, which a careless search would report.
    outer : the scores of `best`, the defaults and the recommendation on the outer pictures,
        trained again on all inner ones.
    optimism : accuracy of `best` in the search, less that on the outer pictures.
    optimism_interval : of 95 %.
    words : what that means.
    why_said, words_said : their messages, for other languages.
    """

    trial: int
    why: str
    best: int
    outer: dict[Literal["defaults", "best", "recommendation"], OuterScore] | None = None
    optimism: float | None = None
    optimism_interval: tuple[float, float] | None = None
    words: str | None = None
    why_said: Message | None = None
    words_said: Message | None = None

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "why", "words")


class Search(_Record):
    """The trials of one approach.

    `importance` is the share of the variance of the first aim that each setting explains (fANOVA);
    None until there are enough trials. `recommendation` is None while the search is running.
    """

    name: str
    title: str
    wanted: int
    space: dict[str, Domain]
    trials: list[TrialRecord]
    importance: dict[str, float] | None = None
    recommendation: Recommendation | None = None


class StudyProtocol(_Record):
    """How the pictures are split. Trials are trained and scored on the inner ones only."""

    aims: list[Aim]
    seed: int
    budget: Literal["quick", "standard", "thorough"]
    inner_folds: int
    inner_pictures: int
    outer_pictures: int
    test_pictures: int
    storage: str


class StudyResults(_Record):
    """The content of `study.json`. `finished` is None while the search is running."""

    schema_version: int = STUDY_SCHEMA_VERSION
    bakeoff_version: str
    created: str
    finished: str | None
    source: str
    name: str
    description: str
    description_said: Message | None = None
    pictures: int
    classes: list[str]
    protocol: StudyProtocol
    machine: dict[str, str]
    searches: list[Search]

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "description")
