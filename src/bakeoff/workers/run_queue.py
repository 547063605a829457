"""Everything that a run does, in an order that gives every approach its first score early.

With "longest first" the demo's baseline, which takes 9 s, came last: after 11 minutes on a busy
machine. Here the cheapest approach comes first, with its folds, its final fit and its graph.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bakeoff.data.split import Fold, Split
from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event, GraphTraced, PicturesCorrupted
from bakeoff.workers.corruptions import CorruptionUnit
from bakeoff.workers.graph import GraphUnit
from bakeoff.workers.pseudo import PseudoUnit, pseudo_name
from bakeoff.workers.robustness import CorruptionBenchmark
from bakeoff.workers.runner import UnitRunner
from bakeoff.workers.units import FINAL, FitUnit, Tell, Unit

__all__ = ["RunQueue"]

State = Literal["to do", "given out", "done"]


@dataclass
class _Approach:
    """What is left of one approach.

    Attributes
    ----------
    folds, again, smaller : not given out yet; `again` are those with pseudo labels, the smaller
        ones those of the learning curve.
    running : folds that are given out, which the final fit waits for.
    """

    runner: UnitRunner
    folds: deque[FitUnit]
    again: deque[PseudoUnit]
    smaller: deque[FitUnit]
    running: set[str]
    final: State
    graph: State

    @property
    def scored(self) -> bool:
        """Whether all that its first score and its bundle need is there."""
        folds = self.folds or self.again or self.running
        return not folds and self.final == self.graph == "done"

    @property
    def left(self) -> int:
        """Units before the first score that are not given out."""
        folds = len(self.folds) + len(self.again)
        return folds + (self.final == "to do") + (self.graph == "to do")


@dataclass(frozen=True)
class Again:
    """The second trainings, with pseudo labels.

    Attributes
    ----------
    approaches : that are trained again on each fold.
    helps : called with the name of one whose folds are all there; whether its final model is
        trained again too.
    """

    approaches: Collection[str] = ()
    helps: Callable[[str], bool] = lambda _: False


class RunQueue:
    """The units of a run that are not finished yet; see `Work`.

    A worker stays with its approach, whose pictures it has preprocessed. A free one begins the
    cheapest approach that nobody works on; if there is none, it joins where most is left. The
    learning curve and the corruption benchmark fill the time in which no approach has a unit
    ready, as while the last final fit runs, and come at the end.

    Parameters
    ----------
    runners : of the approaches that take part.
    parts, smaller : the folds, and those of the learning curve.
    bundled : the approaches that get a bundle, and so a graph.
    benchmark : the corruption benchmark.
    tell : called with all that happens.
    on_scored : called with the name of an approach when its folds, final fit and graph are there.
    again : which approaches are trained a second time.

    Attributes
    ----------
    seconds : of work, by approach, as far as it is estimated; others count as the dearest.
    only : the one approach to work at, up to its first score; None for everything.
    """

    def __init__(
        self,
        runners: Sequence[UnitRunner],
        parts: Split,
        smaller: Sequence[Fold],
        bundled: Collection[str],
        benchmark: CorruptionBenchmark,
        tell: Tell,
        on_scored: Callable[[str], None] = lambda _: None,
        again: Again = Again(),
    ) -> None:
        self.seconds: Mapping[str, float] = {}
        self.only: str | None = None
        self._parts = parts
        self._benchmark = benchmark
        self._tell = tell
        self._on_scored = on_scored
        self._again = again
        self._busy: Counter[str] = Counter()
        self._approaches = {
            runner.approach.name: _approach(runner, parts, smaller, bundled, again)
            for runner in runners
        }
        self._graphs = sum(one.graph == "to do" for one in self._approaches.values())
        self._traced = 0

    @property
    def scored(self) -> list[str]:
        """The approaches whose first score can be computed."""
        return [name for name, one in self._approaches.items() if one.scored]

    def left(self) -> int:
        if self.only is not None:
            return self._approaches[self.only].left
        curve = sum(len(one.smaller) for one in self._approaches.values())
        return sum(one.left for one in self._approaches.values()) + curve + self._benchmark.left()

    def next(self, last: str | None) -> Unit | None:
        unit = self._next(last)
        if unit is not None:
            self._busy[unit.approach] += 1
        return unit

    def _next(self, last: str | None) -> Unit | None:
        if self.only is not None:
            return self._of(self.only)
        names = sorted(self._approaches, key=lambda name: self._rank(name, last))
        for name in names:
            if (unit := self._of(name)) is not None:
                return unit
        for name in names:
            if self._approaches[name].smaller:
                return self._approaches[name].smaller.popleft()
        return self._benchmark.next(last)

    def _rank(self, name: str, last: str | None) -> tuple[bool, bool, float]:
        busy, seconds = self._busy[name], self.seconds.get(name, float("inf"))
        if busy:
            units = self._approaches[name].left + busy
            seconds *= -self._approaches[name].left / units / (1 + busy)
        return name != last, busy > 0, seconds

    def _of(self, name: str) -> Unit | None:
        """The next unit of an approach before its first score; None if none is ready."""
        one = self._approaches[name]
        if one.folds:
            unit = one.folds.popleft()
            one.running.add(unit.name)
            return unit
        if one.running:
            return None
        if one.again:
            again = one.again.popleft()
            one.running.add(again.name)
            return again
        if one.final == "to do":
            one.final = "given out"
            if name in self._again.approaches and self._again.helps(name):
                return PseudoUnit.of_final(name, self._parts)
            return one.runner.final(self._parts)
        if one.final == "done" and one.graph == "to do":
            one.graph = "given out"
            return GraphUnit.of(one.runner.folder, name)
        return None

    def heard(self, unit: Unit, event: Event) -> bool:
        if isinstance(event, PicturesCorrupted):
            return self._benchmark.heard(unit, event)
        if isinstance(event, GraphTraced):
            self._traced += 1
            event = event.model_copy(update={"done": self._traced, "of": self._graphs})
        self._tell(event)
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        assert not stopped, "nothing stops a unit of a run"
        # A graph that cannot be traced is reported where its bundle is made, and costs no more.
        if error is not None and not isinstance(unit, GraphUnit):
            raise error
        self._busy[unit.approach] -= 1
        if isinstance(unit, CorruptionUnit):
            return
        one = self._approaches[unit.approach]
        before = one.scored
        if isinstance(unit, GraphUnit):
            one.graph = "done"
        elif unit.name == FINAL:
            one.final = "done"
        one.running.discard(unit.name)
        if one.scored and not before:
            self._on_scored(unit.approach)


def _approach(
    runner: UnitRunner,
    parts: Split,
    smaller: Sequence[Fold],
    bundled: Collection[str],
    again: Again,
) -> _Approach:
    """What is left of an approach; its finished fits are reported as kept."""
    name = runner.approach.name
    folds, curve = (
        deque(FitUnit.of(name, fold) for fold in some if not runner.keeps(fold.name))
        for some in (parts.folds, smaller)
    )
    second = deque(
        PseudoUnit.of_fold(name, fold, parts)
        for fold in parts.folds
        if name in again.approaches and not runner.keeps(pseudo_name(fold.name))
    )
    final: State = "done" if runner.keeps(FINAL) else "to do"
    traced = name not in bundled
    if not traced and final == "done":
        traced = runner.folder.has_unit(name, GraphUnit.of(runner.folder, name).name)
    return _Approach(runner, folds, second, curve, set(), final, "done" if traced else "to do")
