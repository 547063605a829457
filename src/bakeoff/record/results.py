"""The schema of `results.json`: the results of one run, for people and programs.

`Results.model_json_schema()` is the reference; `docs/results.schema.json` holds it.
A field may be added within a version; a field that changes meaning or goes raises it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from bakeoff.data.words import count
from bakeoff.errors import LeftOut
from bakeoff.evaluation.health import Health
from bakeoff.evaluation.prose import percent, span
from bakeoff.evaluation.records import (
    Comparison,
    ConfusedPair,
    HeadlineRecord,
    LearningCurve,
    Mistake,
    PseudoLabels,
    Robustness,
    Scores,
    Trust,
    Verdict,
    Winner,
)
from bakeoff.said import Message, with_messages

if TYPE_CHECKING:
    from bakeoff.record.events import EpochEnded
    from bakeoff.training.fit import Epoch

__all__ = [
    "SCHEMA_VERSION",
    "ApproachResult",
    "DatasetSummary",
    "Duplicate",
    "Engine",
    "EpochRecord",
    "FoldResult",
    "Latency",
    "PictureIndex",
    "Preliminary",
    "ProtocolSummary",
    "Results",
    "Seconds",
    "UnitRecord",
]

SCHEMA_VERSION = 2
HEADINGS = ("Approach", "Accuracy", "95 % interval", "Log loss", "Calibration error", "One picture")

Engine = Literal["PyTorch", "ONNX Runtime"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Duplicate(_Record):
    """Pictures that are the same, or nearly; they always share a fold."""

    names: list[str]
    labels: list[str]
    exact: bool
    rows: list[int] = []


class DatasetSummary(_Record):
    """The dataset that was read. `class_counts` follows the order of `classes`.

    `description_said` is the message of the description, for other languages.
    """

    name: str
    source: str
    description: str
    description_said: Message | None = None
    pictures: int
    classes: list[str]
    class_counts: list[int]
    groups: list[str]
    group_counts: list[int]
    fingerprint: str
    left_out: list[LeftOut]
    duplicates: list[Duplicate]

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "description")


class PictureIndex(_Record):
    """What is known of every picture, in the order of the dataset; in `pictures/index.json`.

    `labels` index the classes and `groups` the groups of the summary. `parts` index
    `part_names`, which are in this order: "kept out" for a copy of an official test picture,
    "training" for one that was only trained on, the folds by which picture they held out, and
    "test" for the locked test.
    """

    names: list[str]
    labels: list[int]
    groups: list[int] | None
    parts: list[int]
    part_names: list[str]


class ProtocolSummary(_Record):
    """How it was scored. `test_opened` is the moment the locked test was touched.

    `unscored` names the classes that every model is trained on and none is scored on.
    """

    folds: int
    fold_names: list[str]
    seed: int
    kept_together: Literal["duplicates", "groups"]
    leave_one_group_out: bool
    training_pictures: int
    test: Literal["official", "held out"] | None
    test_pictures: int
    test_opened: str | None
    unscored: list[str] = []


class EpochRecord(_Record):
    """One epoch of one fit; losses in nats. Validation is the inner slice, never scored."""

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    @classmethod
    def of(cls, ended: EpochEnded | Epoch) -> EpochRecord:
        """From the event that says that the epoch ended, or from the epoch itself."""
        fields = cls.model_fields.keys() - {"epoch"}
        return cls(epoch=ended.number, **{name: getattr(ended, name) for name in fields})


class FoldResult(_Record):
    """One fit of one approach: what it held out, and the epoch its inner slice chose.

    The final fit holds nothing out, so it has no accuracy or loss of its own.
    """

    name: str
    pictures: int
    accuracy: float | None
    loss: float | None
    best_epoch: int
    temperature: float
    seconds: float
    curve: list[EpochRecord]


class UnitRecord(_Record):
    """What is kept of one approach on one fold, in its `unit.json`.

    `task` is what the network was built for; with the settings it says which network that is.
    `pseudo_labels` counts the pictures without a label that it was trained on too.
    """

    fold: str
    task: dict[str, Any]
    best_epoch: int
    temperature: float
    parameters: int
    bytes: int
    seconds: float
    peak_memory_mb: float
    curve: list[EpochRecord]
    pseudo_labels: int = 0


class Seconds(_Record):
    """Wall-clock seconds of training."""

    folds: float
    final: float


class Latency(_Record):
    """Median milliseconds from raw pixels to probabilities, a whole batch.

    Measured with `threads` CPU threads on the bundle in ONNX Runtime, or on the trained model in
    PyTorch if no bundle was made. `threads` is None in older runs.
    """

    batch_1_ms: float
    batch_64_ms: float
    engine: Engine = "PyTorch"
    threads: int | None = None


class ApproachResult(_Record):
    """One approach in one run.

    `bytes` is the size of its bundle, or of its weights on disk if no bundle was made.
    `peak_memory_mb` is the most memory that the whole process held while it trained, including the
    pictures and the libraries. `macs` are the multiplications for one picture from pixels to
    probabilities, in convolutions and matrix products. `trust` is None if no pictures were left
    to set thresholds with; `learning` and `robustness` are None if they were not requested.
    `pretrained` says what the approach knew before, from whom and from what data; it is empty if
    that is nothing, and in older runs. `pretrained_said` is its message, for other languages.
    `fixed` is true of a model that was made elsewhere and only scored: it takes no part in the
    verdict. `pseudo` is None where pseudo labels were not asked for.
    """

    name: str
    title: str
    settings: dict[str, object]
    parameters: int
    bytes: int
    seconds: Seconds
    peak_memory_mb: float
    latency: Latency
    out_of_fold: Scores | None
    test: Scores | None
    trust: Trust | None
    folds: list[FoldResult]
    final: FoldResult
    confused: list[ConfusedPair]
    mistakes: list[Mistake]
    macs: int | None = None
    learning: LearningCurve | None = None
    robustness: Robustness | None = None
    pretrained: str = ""
    pretrained_said: Message | None = None
    fixed: bool = False
    pseudo: PseudoLabels | None = None

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "pretrained")


class Preliminary(_Record):
    """What is missing from results that were written while their run goes on.

    `to_come` names the approaches that have no score yet; `words` says what else will change.
    """

    to_come: list[str]
    words: str


class Results(_Record):
    """All results of a run. Probabilities are beside it in npz, weights in safetensors.

    While a run goes on, the results of the approaches that are scored by then are `preliminary`:
    out of fold alone, without a winner, a verdict, or anything of the locked test. Those of a
    finished run, in results.json, never are.

    `comparison` is of the out-of-fold answers where there are any, `test_comparison` of those on
    the locked test. `headline` is the metric that ranks the approaches, None in older runs and
    where nothing is scored: accuracy.
    """

    schema_version: int = SCHEMA_VERSION
    bakeoff_version: str
    created: str
    finished: str
    machine: dict[str, str]
    dataset: DatasetSummary
    protocol: ProtocolSummary
    approaches: list[ApproachResult]
    comparison: list[Comparison]
    winner: Winner
    test_comparison: list[Comparison] = []
    health: Health | None = None
    verdict: Verdict | None = None
    preliminary: Preliminary | None = None
    headline: HeadlineRecord | None = None

    def __repr__(self) -> str:
        lines = [f"Results of {self._what()}"]
        width = max((len(result.title) for result in self.approaches), default=0)
        for result, scores in self._leaderboard():
            mark = "*" if result.name == self.winner.name else " "
            accuracy = f"{percent(scores.accuracy)} ({span(scores.interval)})"
            lines.append(f"{mark} {result.title:{width}}  {accuracy}")
        return "\n".join([*lines, f"  {self.winner.why}"])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """For notebooks: the leaderboard, the winner in bold."""
        rows = []
        for result, scores in self._leaderboard():
            cells = (
                result.title,
                percent(scores.accuracy),
                span(scores.interval),
                f"{scores.loss:.4f}",
                percent(scores.calibration_error),
                f"{result.latency.batch_1_ms:.2f} ms",
            )
            style = " style='font-weight:bold'" if result.name == self.winner.name else ""
            rows.append(f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
        head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
        return (
            f"<p>{escape(self._what())}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table><p>{escape(self.winner.why)}</p>"
        )

    def _what(self) -> str:
        dataset = self.dataset
        pictures, classes = count(dataset.pictures, "picture"), count(len(dataset.classes), "class")
        return f"{dataset.name}: {pictures}, {classes}, {count(self.protocol.folds, 'fold')}"

    def _leaderboard(self) -> list[tuple[ApproachResult, Scores]]:
        """The approaches with the scores that they are compared by, the most accurate first."""
        scored = [(result, result.out_of_fold or result.test) for result in self.approaches]
        known = [(result, scores) for result, scores in scored if scores is not None]
        return sorted(known, key=lambda entry: -entry[1].accuracy)
