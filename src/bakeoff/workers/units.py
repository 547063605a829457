"""What a run's work is cut into: units, which say of themselves what they need, do and keep.

A unit is seeded by its name, reads finished units of the same run, and is kept whole or not at
all. All that one is made of is plain enough for JSON, so that it can be handed to any worker.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from bakeoff.data.split import Fold
from bakeoff.record.events import Event, GraphTraced, PicturesCorrupted, UnitFinished

if TYPE_CHECKING:
    from bakeoff.workers.worker import Worker

__all__ = [
    "FINAL",
    "HELD_OUT",
    "KEPT_EVENTS",
    "PROBES",
    "VALIDATION",
    "FitUnit",
    "Stopped",
    "Tell",
    "Unit",
    "unit_from_json",
]

Tell = Callable[[Event], None]
"""Takes what happens, as it happens; may raise `Stopped` to have a fit left unfinished."""

FINAL = "final"
# Arrays of a fit: rows of the dataset, N×K logits and N OOD scores.
HELD_OUT = ("rows", "logits", "ood_score")
VALIDATION = ("validation_rows", "validation_logits", "validation_ood_score")
# Of drawings: rows that were drawn with each of P pens, P×n×K logits and P×n OOD scores of these,
# and M×K logits and M OOD scores of drawings of other things.
PROBES = ("pen_rows", "pen_logits", "pen_ood_score", "other_logits", "other_ood_score")
# Events that say that a unit is kept.
KEPT_EVENTS = (UnitFinished, PicturesCorrupted, GraphTraced)

# A new kind of unit is one file and one line here.
KINDS = {
    "fit": "bakeoff.workers.units:FitUnit",
    "pseudo": "bakeoff.workers.pseudo:PseudoUnit",
    "corruptions": "bakeoff.workers.corruptions:CorruptionUnit",
    "graph": "bakeoff.workers.graph:GraphUnit",
    "test": "bakeoff.workers.locked_test:LockedTestUnit",
    "cost": "bakeoff.workers.cost:CostUnit",
}


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Nobody wants the unit at hand any more."""


@dataclass(frozen=True)
class Unit(ABC):
    """One piece of work.

    Attributes
    ----------
    approach : whose work it is, by name; workers stay with an approach while they can.
    name : under which it is kept.
    """

    kind: ClassVar[str]

    approach: str
    name: str

    @property
    def label(self) -> str:
        """The unit as people read it, such as "cnn on fold 1"."""
        return f"{self.approach} on {self.name}"

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """The finished units that it reads, as (approach, name)."""
        return ()

    @property
    def keeps(self) -> tuple[tuple[str, str], ...]:
        """What is there when it is done, as (approach, name)."""
        return ((self.approach, self.name),)

    def prepare(self, worker: Worker) -> None:  # noqa: B027 - most share nothing
        """Have made what the unit shares with others of its approach, on two cores where it can."""

    @abstractmethod
    def do(self, worker: Worker) -> None:
        """Do it and keep what comes of it, whole.

        Raises
        ------
        BakeoffError
            A setting does not fit, or training came to nothing.
        Stopped
            It was left unfinished, and nothing of it is kept.
        """

    def to_json(self) -> dict[str, Any]:
        """The unit in plain values; see `unit_from_json`."""
        return {"kind": self.kind, **asdict(self)}


def unit_from_json(values: Mapping[str, Any]) -> Unit:
    """The unit that `Unit.to_json` wrote."""
    module, _, name = KINDS[values["kind"]].partition(":")
    kind = getattr(import_module(module), name)
    given = {field.name: values[field.name] for field in fields(kind)}
    unit: Unit = kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})
    return unit


@dataclass(frozen=True)
class FitUnit(Unit):
    """One fit of one approach.

    Attributes
    ----------
    fold : by name, of the folds that the worker has (see `TrainingData`); its seed depends on it.
    settings : of the approach, over those of the run.
    schedule_for, stop_after, temperature : see `Trainer.fit`.
    """

    kind: ClassVar[str] = "fit"

    fold: str
    settings: Mapping[str, object] = field(default_factory=dict)
    schedule_for: int | None = None
    stop_after: int | None = None
    temperature: float | None = None

    @classmethod
    def of(cls, approach: str, fold: Fold) -> FitUnit:
        """The plain fit of an approach on a fold."""
        return cls(approach, fold.name, fold.name)

    def prepare(self, worker: Worker) -> None:
        worker.runner(self.approach, self.settings).trainer.prepare()

    def do(self, worker: Worker) -> None:
        worker.runner(self.approach, self.settings).fit(self)
