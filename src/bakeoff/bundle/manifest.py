"""The schema of `bundle.json`: what a bundle is, what it can do, and how to check it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bakeoff.evaluation.records import ConfusedPair, Interval, Trust

__all__ = [
    "FileRecord",
    "Golden",
    "Manifest",
    "Preparation",
    "Score",
    "ScoredOn",
    "TrainedOn",
    "VariantRecord",
]

Text = Annotated[str, Field(max_length=1000)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


ScoredOn = Literal["out of fold", "test"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preparation(_Record):
    """How the graph turns pixels into its network's input, for people to read."""

    mode: Literal["ink", "photo"]
    side: int
    channels: Annotated[int, Field(ge=1, le=3)]


class TrainedOn(_Record):
    """The pictures behind it. `fingerprint` is that of `Dataset.fingerprint`."""

    name: Text
    pictures: int
    fingerprint: Text


class Score(_Record):
    """What it was right about: `on` is "out of fold" or "test"."""

    on: ScoredOn
    pictures: int
    accuracy: Probability
    interval: Interval
    loss: float
    calibration_error: float


class Golden(_Record):
    """A picture, as a PNG in base64, and what the model said of it when it was exported."""

    png: Annotated[str, Field(max_length=200_000)]
    probabilities: list[Probability]
    ood_score: Annotated[float, Field(gt=0)]


class VariantRecord(_Record):
    """How a graph with smaller weights does beside the full one; milliseconds are of one picture.

    `agreement` is the share of `pictures` that both give the same class.
    """

    kind: Literal["fp16", "int8"]
    pictures: int
    agreement: Probability
    bytes: int
    full_bytes: int
    milliseconds: float
    full_milliseconds: float


class FileRecord(_Record):
    """The size and checksum of a file of the bundle."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(_Record):
    """All of it. Every file beside it is listed in `files`, and nothing else is read.

    `made_with` has the versions of what made the graph; `created` is when its run ended.
    """

    schema_version: Literal[2] = 2
    name: Text
    approach: Text
    title: Text
    bakeoff_version: Text
    made_with: dict[Text, Text]
    created: Text
    classes: Annotated[list[Text], Field(min_length=2, max_length=100_000)]
    preparation: Preparation
    embedding: Annotated[int, Field(gt=0)]
    parameters: int
    temperature: Annotated[float, Field(gt=0)]
    settings: dict[str, object]
    trained_on: TrainedOn
    scores: list[Score]
    confused: list[ConfusedPair]
    trust: Trust | None
    variant: VariantRecord | None = None
    golden: Annotated[list[Golden], Field(min_length=1, max_length=64)]
    files: dict[str, FileRecord]

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        if "model.onnx" not in self.files:
            raise ValueError("files: model.onnx is missing")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: a name is there twice")
        if any(len(one.probabilities) != len(self.classes) for one in self.golden):
            raise ValueError("golden: not one probability for each class")
        return self
