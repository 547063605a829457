"""All that a run trains, in an order that wastes little."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

from bakeoff.data.split import Fold, Split
from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event
from bakeoff.workers.runner import UnitRunner
from bakeoff.workers.units import FINAL, FitUnit, Tell, Unit

__all__ = ["FitQueue"]


class FitQueue:
    """The units of a run that are not finished yet; see `Work`.

    A worker stays with its approach, whose pictures it has preprocessed; a free one goes where most
    is left to do, so that the longest is not started last. The final fit of an approach comes when
    its folds have chosen the number of epochs.

    Parameters
    ----------
    runners : of the approaches that take part.
    parts, smaller : the folds, and those of the learning curve.
    seconds : that each approach will take.
    tell : called with all that happens.
    """

    def __init__(
        self,
        runners: Sequence[UnitRunner],
        parts: Split,
        smaller: Sequence[Fold],
        seconds: Mapping[str, float],
        tell: Tell,
    ) -> None:
        self._runners = {runner.approach.name: runner for runner in runners}
        self._parts = parts
        self._tell = tell
        self._folds: dict[str, set[str]] = {}  # those that the final fit waits for
        self._ready: dict[str, deque[FitUnit]] = {}
        self._final: set[str] = set()
        self._busy: Counter[str] = Counter()
        for name, runner in self._runners.items():
            left = [fold for fold in (*parts.folds, *smaller) if not runner.keeps(fold.name)]
            self._ready[name] = deque(FitUnit.of(name, fold) for fold in left)
            self._folds[name] = {fold.name for fold in left} - {fold.name for fold in smaller}
            if not runner.keeps(FINAL):
                self._final.add(name)
        self._each = {
            name: seconds[name] / max(1, len(self._ready[name]) + (name in self._final))
            for name in self._runners
        }

    def left(self) -> int:
        return sum(map(len, self._ready.values())) + len(self._final)

    def next(self, last: str | None) -> Unit | None:
        for name in sorted(
            self._runners, key=lambda approach: (approach != last, -self._share(approach))
        ):
            unit = self._of(name)
            if unit is not None:
                self._busy[name] += 1
                return unit
        return None

    def _share(self, approach: str) -> float:
        """Seconds of work for one more worker at this approach."""
        left = len(self._ready[approach]) + (approach in self._final)
        return left * self._each[approach] / (1 + self._busy[approach])

    def _of(self, approach: str) -> FitUnit | None:
        if approach in self._final and not self._folds[approach]:
            self._final.remove(approach)
            return self._runners[approach].final(self._parts)
        return self._ready[approach].popleft() if self._ready[approach] else None

    def heard(self, unit: Unit, event: Event) -> bool:  # noqa: ARG002
        self._tell(event)
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        assert not stopped, "nothing stops a fit of a run"
        if error is not None:
            raise error
        self._busy[unit.approach] -= 1
        self._folds[unit.approach].discard(unit.name)
