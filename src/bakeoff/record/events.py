"""What happens in a run, as one typed union: a line of events.jsonl each.

The terminal, the server's jobs, the searches and the page all read these. `parse_event` reads what
earlier versions wrote, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, model_validator

from bakeoff.said import Message, with_messages

__all__ = [
    "ApproachScored",
    "BundleRefused",
    "BundleWritten",
    "CorruptingPictures",
    "EpochEnded",
    "Estimated",
    "Event",
    "GraphTraced",
    "Listener",
    "PicturesCorrupted",
    "Preparing",
    "RunEvent",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "RunStopped",
    "TestOpened",
    "TimeLeft",
    "TracingGraphs",
    "UnitFinished",
    "UnitKept",
    "UnitStarted",
    "WorkerDied",
    "now",
    "parse_event",
]


def now() -> str:
    """The moment in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    time: str = Field(default_factory=now)


class RunStarted(_Event):
    """A run begins, or goes on.

    `curve` has the smaller folds of the learning curve and the share of a fold that each learns
    from; `again` has the fits with pseudo labels of each approach. `groups` says in words what
    became of the groups. `options` are those of `RunOptions`.
    """

    event: Literal["run started", "run resumed"]
    path: str
    pid: int
    approaches: list[str]
    options: dict[str, Any] = {}
    description: str
    description_said: Message | None = None
    """The message of the description, for other languages."""
    pictures: int
    classes: int
    folds: list[str]
    curve: dict[str, float] = {}
    again: dict[str, list[str]] = {}
    groups: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "description")


class Estimated(_Event):
    """Seconds that each approach will take one worker, and how many workers there are."""

    event: Literal["estimated"] = "estimated"
    seconds: dict[str, float]
    workers: int | None = None


class TimeLeft(_Event):
    """Seconds until the run is finished, estimated again as work gets done.

    `slowdown` is how many times as long the work takes as it would if nothing else ran here.
    """

    event: Literal["time left"] = "time left"
    seconds: float
    slowdown: float = 1.0


class Preparing(_Event):
    """The pictures are preprocessed for an approach, and its frozen part goes over them."""

    event: Literal["preparing"] = "preparing"
    approach: str


class _OfUnit(_Event):
    approach: str
    fold: str


class UnitStarted(_OfUnit):
    """A fit begins."""

    event: Literal["unit started"] = "unit started"


class EpochEnded(_OfUnit):
    """One pass over the training pictures of a fit; see `bakeoff.training.fit.Epoch`."""

    event: Literal["epoch"] = "epoch"
    number: int
    of: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


class UnitFinished(_OfUnit):
    """A fit is trained and kept; `accuracy` is on what its fold held out.

    `cpu_seconds` are those that its process had the processor for, over all threads.
    """

    event: Literal["unit finished"] = "unit finished"
    seconds: float
    cpu_seconds: float | None = None
    best_epoch: int
    accuracy: float | None


class UnitKept(_OfUnit):
    """A fit was finished before this run went on."""

    event: Literal["unit kept"] = "unit kept"
    accuracy: float | None


class CorruptingPictures(_Event):
    """The corruption benchmark begins."""

    event: Literal["corrupting pictures"] = "corrupting pictures"
    pictures: int
    corruptions: list[str]


class PicturesCorrupted(_OfUnit):
    """One approach answered the corrupted pictures of one fold: `done` of `of` such answers."""

    event: Literal["pictures corrupted"] = "pictures corrupted"
    seconds: float
    accuracy: float
    done: int = 0
    of: int = 0


class TracingGraphs(_Event):
    """The ONNX graphs of bundles are traced; runs since graphs come with their fits omit it."""

    event: Literal["tracing graphs"] = "tracing graphs"
    approaches: list[str]


class GraphTraced(_Event):
    """One graph is there: `done` of `of`."""

    event: Literal["graph traced"] = "graph traced"
    approach: str
    seconds: float
    done: int = 0
    of: int = 0


class TestOpened(_Event):
    """The locked test is opened: this once, however often the run goes on."""

    __test__ = False  # its name looks like a test to pytest

    event: Literal["test opened"] = "test opened"
    pictures: int


class ApproachScored(_Event):
    """An approach has its first score, out of fold, and its model can be used if it has a bundle.

    `accuracy` and `interval` are None for a run without folds, whose locked test is still closed.
    The bundle says nothing of the locked test yet; `BundleWritten` follows when it does.
    """

    event: Literal["approach scored"] = "approach scored"
    approach: str
    accuracy: float | None
    interval: tuple[float, float] | None
    bundle: str | None


class BundleWritten(_Event):
    """A bundle is there, complete."""

    event: Literal["bundle written"] = "bundle written"
    approach: str
    path: str


class BundleRefused(_Event):
    """A bundle cannot be made; the run and the other bundles go on."""

    event: Literal["bundle refused"] = "bundle refused"
    approach: str
    why: str


class WorkerDied(_Event):
    """A worker ended while it worked on a unit, or before it was ready for one."""

    event: Literal["worker died"] = "worker died"
    how: str
    approach: str | None = None
    fold: str | None = None


class RunFinished(_Event):
    """All is scored and written."""

    event: Literal["run finished"] = "run finished"
    winner: str | None
    why: str
    headline: str | None = None
    """The verdict in one line, with which `why` begins; older runs have none."""
    said: Message | None = None
    """The headline's message, for other languages."""
    said_why: list[Message] = []
    """The messages of the sentences in `why`."""


class RunFailed(_Event):
    """An error ended the run."""

    event: Literal["run failed"] = "run failed"
    why: str
    why_said: Message | None = None
    """The message of the reason, for other languages."""

    @model_validator(mode="before")
    @classmethod
    def _messages(cls, fields: Any) -> Any:
        return with_messages(fields, "why")


class RunStopped(_Event):
    """A run that is not at work any more and did not finish; only in a server's stream."""

    event: Literal["run stopped"] = "run stopped"
    status: str
    why: str | None = None
    why_said: Message | None = None
    """The message of the reason, for other languages."""


Event: TypeAlias = Annotated[
    RunStarted
    | Estimated
    | TimeLeft
    | Preparing
    | UnitStarted
    | EpochEnded
    | UnitFinished
    | UnitKept
    | CorruptingPictures
    | PicturesCorrupted
    | TracingGraphs
    | GraphTraced
    | ApproachScored
    | TestOpened
    | BundleWritten
    | BundleRefused
    | WorkerDied
    | RunFinished
    | RunFailed
    | RunStopped,
    Field(discriminator="event"),
]


class RunEvent(RootModel[Event]):
    """Any of the events of a run, as the API describes them."""


Listener = Callable[[Event], None]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)

FORMER_EVENTS = {
    "changing pictures": "corrupting pictures",
    "pictures changed": "pictures corrupted",
}
FORMER_FIELDS = {"understood": "description", "changes": "corruptions", "request": "options"}


def parse_event(given: str | bytes | Mapping[str, Any]) -> Event:
    """An event from a line of events.jsonl, or from the object in it.

    Raises
    ------
    ValueError
        It is not JSON, or not an event that this version knows.
    """
    event = given if isinstance(given, Mapping) else json.loads(given)
    if not isinstance(event, Mapping):
        raise ValueError("an event is an object")
    event = {FORMER_FIELDS.get(key, key): value for key, value in event.items()}
    kind = event.get("event")
    if not isinstance(kind, str):
        raise ValueError("an event says what it is")
    event["event"] = FORMER_EVENTS.get(kind, kind)
    if "approaches" not in event and isinstance(event.get("options"), dict):
        event["approaches"] = event["options"].get("approaches", [])
    return _ADAPTER.validate_python(event)
