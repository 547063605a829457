"""What there is to do: queues of units, from which workers are given one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event
from bakeoff.record.folder import RunFolder
from bakeoff.workers.units import Tell, Unit

__all__ = ["UnitQueue", "Work"]


class Work(Protocol):
    """What there is to do, and what becomes of it. All is called from one thread."""

    def left(self) -> int:
        """How many units are still to be given out, at most."""

    def next(self, last: str | None) -> Unit | None:
        """Something to do for a worker whose last unit was of this approach; None: nothing now."""

    def heard(self, unit: Unit, event: Event) -> bool:
        """Take in what happened; True asks to leave the unit unfinished."""

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        """A unit is done, or was left unfinished, or cannot be done."""


class UnitQueue:
    """Units that do not wait for each other, those that are kept already left out; see `Work`.

    Parameters
    ----------
    folder : where units are kept.
    tell : called with all that happens.
    """

    def __init__(
        self, units: Iterable[Unit], folder: RunFolder, tell: Tell = lambda _: None
    ) -> None:
        self.units = list(units)
        self.waiting = [
            unit for unit in self.units if not all(folder.has_unit(*kept) for kept in unit.keeps)
        ]
        self.tell = tell

    def left(self) -> int:
        return len(self.waiting)

    def next(self, last: str | None) -> Unit | None:
        if not self.waiting:
            return None
        places = range(len(self.waiting))
        return self.waiting.pop(next((n for n in places if self.waiting[n].approach == last), 0))

    def heard(self, unit: Unit, event: Event) -> bool:  # noqa: ARG002
        self.tell(event)
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:  # noqa: ARG002
        if error is not None:
            raise error
