"""The graphs of a run's bundles, traced by its workers."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event, GraphTraced, TracingGraphs
from bakeoff.record.folder import RunFolder
from bakeoff.workers.graph import GraphUnit
from bakeoff.workers.units import FINAL, Tell, Unit
from bakeoff.workers.work import UnitQueue

__all__ = ["Graphs"]


class Graphs(UnitQueue):
    """The graphs of a run that are not traced yet, the largest model's first.

    Parameters
    ----------
    folder : of the run, whose final fits are all there.
    approaches : by name.
    tell : called with all that happens.
    """

    def __init__(self, folder: RunFolder, approaches: Sequence[str], tell: Tell) -> None:
        super().__init__([GraphUnit.of(folder, name) for name in approaches], folder, tell)
        self._of, self._done = len(self.waiting), 0
        if self.waiting:
            tell(TracingGraphs(approaches=[unit.approach for unit in self.waiting]))
        # The largest takes longest, and is not to be started last.
        self.waiting.sort(key=lambda unit: -_bytes_of_final(folder, unit.approach))

    def next(self, last: str | None) -> Unit | None:  # noqa: ARG002 - none shares preparation
        return self.waiting.pop(0) if self.waiting else None

    def heard(self, unit: Unit, event: Event) -> bool:
        if isinstance(event, GraphTraced):
            self._done += 1
            event = event.model_copy(update={"done": self._done, "of": self._of})
        return super().heard(unit, event)

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        """A graph that cannot be traced is reported where its bundle is made, and costs no more."""


def _bytes_of_final(folder: RunFolder, approach: str) -> int:
    return sum(file.stat().st_size for file in folder.unit(approach, FINAL).iterdir())
