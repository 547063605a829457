"""The schema of `bundle.json`: a bundle's origin, scores, and checks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bakeoff.evaluation.records import ConfusedPair, Interval, Trust
from bakeoff.record.config import ConfusionCost

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
OodScore = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MOST_WITH_COSTS = 2_000  # classes: a matrix of 32 MB
ScoredOn = Literal["out of fold", "test"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Preparation(_Record):
    """How the graph turns pixels into its network's input, for people to read."""

    mode: Literal["ink", "photo"]
    """How pictures are preprocessed."""
    side: int
    """Pixels of a side of the square input."""
    channels: Annotated[int, Field(ge=1, le=3)]
    """1 for grey, 3 for RGB."""


class TrainedOn(_Record):
    """The dataset that the model was trained on."""

    name: Text
    pictures: int
    fingerprint: Text
    """The dataset's fingerprint, from `Dataset.fingerprint`."""


class Score(_Record):
    """The scores of the approach on one set of pictures."""

    on: ScoredOn
    pictures: int
    accuracy: Probability
    interval: Interval
    """The 95 % interval of the accuracy."""
    loss: float
    """Mean negative log-likelihood, in nats."""
    calibration_error: float


class Golden(_Record):
    """A synthetic picture with the model's answer at the time of the export."""

    png: Annotated[str, Field(max_length=200_000)]
    """The picture as a PNG in base64."""
    probabilities: list[Probability]
    ood_score: Annotated[float, Field(ge=0)]


class VariantRecord(_Record):
    """A graph with smaller weights compared with the full one."""

    kind: Literal["fp16", "int8"]
    pictures: int
    """The number of pictures on which the answers were compared."""
    agreement: Probability
    """The share of pictures for which both give the same class."""
    bytes: int
    full_bytes: int
    milliseconds: float
    """Of one picture."""
    full_milliseconds: float
    """Of one picture, with the full weights."""


class FileRecord(_Record):
    """The size and checksum of a file of the bundle."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Manifest(_Record):
    """The contents of `bundle.json`. No file is read that `files` does not list."""

    schema_version: Literal[2] = 2
    name: Text
    approach: Text
    """The approach that was trained, such as "cnn"."""
    title: Text
    """The approach's name for people."""
    bakeoff_version: Text
    made_with: dict[Text, Text]
    """Versions of the libraries that made the graph."""
    created: Text
    """When the run finished, in ISO 8601."""
    classes: Annotated[list[Text], Field(min_length=2, max_length=100_000)]
    """Class names, in the order of every probability vector."""
    preparation: Preparation
    embedding: Annotated[int, Field(gt=0)]
    """The length of an embedding."""
    parameters: int
    temperature: Annotated[float, Field(gt=0)]
    """The graph divides logits by it."""
    settings: dict[str, object]
    """The settings of the approach."""
    pretrained: Text = ""
    """What the approach knew before it was trained, from whom and from what data, with licences."""
    pseudo_labels: Text = ""
    """What pseudo labels gained and whether they were used; empty if they were not asked for."""
    verdict: Text = ""
    """The verdict on the run that it comes from, in one line; empty where there is none yet."""
    trained_on: TrainedOn
    scores: list[Score]
    confused: list[ConfusedPair]
    """The pairs of classes that were confused most often."""
    trust: Trust | None
    """Thresholds of the verdicts; null if no pictures were available to set them."""
    held_out_scores: Annotated[list[OodScore], Field(max_length=10_000)] = []
    """OOD scores of pictures that no model had seen, for the drift alarm; none in older bundles."""
    cost: Annotated[list[ConfusionCost], Field(max_length=100_000)] = []
    """What confusions cost, if the run had a table of it: answers name the cheapest class too."""
    variant: VariantRecord | None = None
    """Null for full weights."""
    golden: Annotated[list[Golden], Field(min_length=1, max_length=64)]
    """Synthetic pictures that check the graph on another machine."""
    files: dict[str, FileRecord]

    @model_validator(mode="after")
    def _check_consistency(self) -> Manifest:
        if "model.onnx" not in self.files:
            raise ValueError("files: model.onnx is missing")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: a name appears twice")
        if self.trust and len(self.trust.least_by_class or self.classes) != len(self.classes):
            raise ValueError("trust: needs one threshold for each class")
        if self.cost and len(self.classes) > MOST_WITH_COSTS:
            raise ValueError(f"cost: is for {MOST_WITH_COSTS} classes at most")
        if not {name for one in self.cost for name in (one.truth, one.answer)} <= set(self.classes):
            raise ValueError("cost: names a class that the bundle does not have")
        if any(len(golden.probabilities) != len(self.classes) for golden in self.golden):
            raise ValueError("golden: needs one probability for each class")
        return self
