"""How long a run still takes: predicted unit by unit, and corrected by those that are done.

The first prediction comes from a probe of each approach, in processor time. What the run then
observes corrects it: how much more time epochs and finished units took than was predicted, and how
long units had to wait for a processor because other programs ran.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from bakeoff.machine import cores
from bakeoff.record.events import (
    ApproachScored,
    EpochEnded,
    Event,
    PicturesCorrupted,
    TimeLeft,
    UnitFinished,
)
from bakeoff.workers.estimate import Prediction
from bakeoff.workers.units import FINAL

__all__ = ["TimeKeeper", "end_seconds"]

START = 4.0  # seconds until a new worker has imported torch
END = 3.0  # to look for issues and write results and report …
END_EACH = 0.5  # … and to complete each bundle and measure what it costs
RECENT = 8  # fits whose waiting says how busy the machine is now
AGAIN = 5.0  # seconds between estimates while a fit goes on
ALONE = 0.9  # of the time: less than this, and other programs run


def end_seconds(approaches: int) -> float:
    """Seconds from the last unit to the report."""
    return END + END_EACH * approaches


class TimeKeeper:
    """Hears all events of a run, and reports the time left as it changes.

    Parameters
    ----------
    tell : called with every event, and with the time left after those that change it.
    threads : of each unit.
    clock : seconds that go by.

    Attributes
    ----------
    left : what is left of each approach, as far as it is predicted.
    """

    def __init__(
        self,
        tell: Callable[[Event], None],
        *,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._threads = threads
        self._clock = clock
        self.left: dict[str, Prediction] = {}
        self._corrupting: dict[str, float] = {}
        self._workers: int | None = None
        self._waits: deque[tuple[float, float]] = deque(maxlen=RECENT)  # (wall, processor)
        self._last = float("-inf")

    def begin(
        self,
        corrupting: Mapping[str, float],
        workers: int,
        slowdown: float,
        others: float = 0.0,
    ) -> None:
        """From now on, report the time left.

        Parameters
        ----------
        corrupting : seconds to corrupt the pictures of each fold.
        workers : how many there will be.
        slowdown : how many times as long this process took as it would on an idle machine.
        others : how many cores other programs kept busy meanwhile, if that is known.
        """
        answered = [one.answering for one in self.left.values()]
        self._corrupting = {
            fold: seconds
            for fold, seconds in corrupting.items()
            if any(fold in folds for folds in answered)
        }
        self._workers = workers
        self._waits.clear()
        self._waits.append((self._with_workers(slowdown, others), 1.0))
        self._report(START if workers > 1 and self._work() else 0.0)

    def __call__(self, event: Event) -> None:
        """Take in an event and pass it on."""
        self._tell(event)
        match event:
            case EpochEnded():
                self._went_on(event)
                if self._clock() - self._last > AGAIN:
                    self._report()
            case UnitFinished():
                self._finished(event)
                self._report()
            case ApproachScored():
                if event.approach in self.left:
                    self.left[event.approach].packing = 0.0
            case PicturesCorrupted():
                self._corrupting.pop(event.fold, None)
                if event.approach in self.left:
                    self.left[event.approach].answering.pop(event.fold, None)
                self._report()

    @property
    def slowdown(self) -> float:
        """How many times as long work takes as it would if nothing else ran here."""
        wall = sum(wall for wall, _ in self._waits)
        return max(1.0, wall / max(sum(processor for _, processor in self._waits), 1e-9))

    def _went_on(self, event: EpochEnded) -> None:
        if event.approach not in self.left:
            return
        underway = self.left[event.approach].underway
        _, seconds = underway.get(event.fold, (0.0, 0.0)) if event.number > 1 else (0.0, 0.0)
        seconds += event.seconds / self.slowdown
        underway[event.fold] = event.number / event.of, seconds

    def _finished(self, event: UnitFinished) -> None:
        processor = (event.cpu_seconds or 0.0) / self._threads or event.seconds
        self._waits.append((event.seconds, min(processor, event.seconds)))
        if event.approach not in self.left:
            return
        one = self.left[event.approach]
        one.underway.pop(event.fold, None)
        one.predicted += one.units.pop(event.fold, 0.0) + one.preparing
        one.took += processor
        one.preparing = 0.0

    def _with_workers(self, slowdown: float, others: float) -> float:
        """The slowdown when several workers ask for processors, from that of one process.

        If other programs leave one process a share s of its time, on c cores, c/s - 1 of them run.
        On cores that it left to them they did not slow it down, but they will.
        """
        share = 1 / max(slowdown, 1.0)
        waiting = max(0.0, cores() / share - 1) if share < ALONE else 0.0
        wanted = max(waiting, others) + (self._workers or 1) * self._threads
        return max(1.0, wanted / cores())

    def _work(self) -> float:
        """Seconds of one undisturbed worker."""
        left = sum(one.seconds for one in self.left.values())
        return left + sum(self._corrupting.values())

    def _longest(self) -> float:
        """What no number of workers makes faster: a fold, then the final fit of its approach."""
        chains = [0.0]
        for one in self.left.values():
            longest = max((one.rest(name) for name in one.units if name != FINAL), default=0.0)
            chains.append((longest + one.rest(FINAL) + one.preparing) * one.correction)
        return max(chains)

    def _report(self, starting: float = 0.0) -> None:
        if self._workers is None:
            return  # nothing is predicted yet
        self._last = self._clock()
        shared = max(self._work() / self._workers, self._longest())
        seconds = self.slowdown * (starting + shared + end_seconds(len(self.left)))
        self._tell(TimeLeft(seconds=round(seconds, 1), slowdown=round(self.slowdown, 2)))
