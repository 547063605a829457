"""How long the work of an approach takes: a probe of every part of it, before it begins."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import psutil

from bakeoff.approaches.trainer import Trainer
from bakeoff.data.split import Fold
from bakeoff.training.compute import Compute

__all__ = ["OtherPrograms", "Prediction", "Speed", "Stopwatch"]

PROBE = 24  # pictures: enough to time, and over in a second or two
SOLVED = 1_000  # pictures to time a closed form on
BELIEF = 10.0  # seconds of fits that count as much as what was predicted of them
AROUND = 0.3  # seconds of a fit before its first and after its last epoch
LEAST = 0.05  # seconds; work of less time says little about how busy the machine is
WARM_UP = 4  # pictures: the first call of anything is slow, and would be scaled up with the rest

Result = TypeVar("Result")


class Stopwatch:
    """Seconds that work would take if nothing else ran here; on a CPU, those of its threads.

    Probes take milliseconds. On a busy machine a clock shows some of them several times too long,
    where the process was interrupted; its processor time hardly changes.
    """

    def __init__(self, compute: Compute) -> None:
        self._threads = compute.threads if compute.device == "cpu" else 0
        self._wall = self._undisturbed = LEAST

    def now(self) -> float:
        """The reading; only differences mean something."""
        return time.process_time() / self._threads if self._threads else time.perf_counter()

    def of(self, work: Callable[[], object]) -> float:
        """Seconds that some work takes."""
        started = self.now()
        work()
        return self.now() - started

    def watch(self, work: Callable[[], Result]) -> Result:
        """Do some work, and learn from it how busy the machine is."""
        wall, undisturbed = time.perf_counter(), self.now()
        result = work()
        self._wall += time.perf_counter() - wall
        self._undisturbed += self.now() - undisturbed
        return result

    @property
    def slowdown(self) -> float:
        """How many times as long the watched work took as it would if nothing else ran here."""
        return max(1.0, self._wall / self._undisturbed)


class OtherPrograms:
    """How many cores other programs keep busy, since this was made."""

    def __init__(self) -> None:
        self._started, self._busy, self._own = time.perf_counter(), _busy(), time.process_time()

    @property
    def cores(self) -> float:
        """Of those that this process may use; 0 where the system does not say."""
        passed = time.perf_counter() - self._started
        own = time.process_time() - self._own
        return max(0.0, _busy() - self._busy - own) / max(passed, 1e-9)


def _busy() -> float:
    """Seconds that the cores of this process have been busy."""
    times = psutil.cpu_times(percpu=True)
    ours: Sequence[int] = range(len(times))
    if hasattr(os, "sched_getaffinity"):
        ours = [core for core in os.sched_getaffinity(0) if core < len(times)]
    busy = sum(times[core].user + times[core].system for core in ours)
    if hasattr(os, "nice") and os.nice(0) > 0:  # else programs that are nice let this one pass
        busy += sum(getattr(times[core], "nice", 0.0) for core in ours)
    return float(busy)


@dataclass(frozen=True)
class Speed:
    """How fast one approach is on this machine when nothing else runs: seconds a picture.

    Attributes
    ----------
    preparing, scoring : each picture once.
    learning : each picture in each epoch.
    """

    preparing: float
    learning: float
    scoring: float

    @classmethod
    def of(cls, trainer: Trainer, largest: int) -> Speed:
        """Prepare, train on and score a few pictures for real.

        Parameters
        ----------
        trainer : of one approach; its inputs are not made yet.
        largest : the number of training pictures of the largest fit.
        """
        watch = Stopwatch(trainer.compute)
        _ = trainer.probe(WARM_UP).source
        probe = trainer.probe(PROBE)
        preparing = watch.of(lambda: probe.source) / len(probe.pictures)
        batch = trainer.training(largest).batch_size or 1
        # What is solved at once takes a time that is far from in proportion to small numbers.
        count = 2 * batch if trainer.approach.validates else min(largest, SOLVED)
        rows = np.resize(np.arange(len(probe.pictures)), count)
        ends = [watch.now()]
        trained = probe.fit(
            "taste",
            train=rows,
            validation=np.empty(0, dtype=np.int64),
            schedule_for=largest,
            stop_after=2,
            on_epoch=lambda _: ends.append(watch.now()),
        )
        score = lambda: trained.model.logits_of(probe.pictures, probe.compute)
        scoring = min(watch.of(score), watch.of(score))
        # The second epoch is timed, as the first warms up; what is solved at once has only one.
        learning = (ends[-1] - ends[-2]) / len(rows)
        return cls(preparing, learning, scoring / len(probe.pictures))

    def fit(self, trainer: Trainer, fold: Fold) -> float:
        """Seconds of a fit on a fold, whose validation rows are scored in every epoch."""
        epochs = trainer.training(len(fold.train)).epochs or 1
        learning = self.learning * len(fold.train) + self.scoring * len(fold.validation)
        return AROUND + learning * epochs + self.scoring * len(fold.held_out)


@dataclass
class Prediction:
    """What is left of an approach, in seconds of a worker that waits for nobody.

    Attributes
    ----------
    units : of each fit, by its name.
    preparing : before the first of them.
    answering : of each fold's corrupted pictures, by the name of the fold.
    packing : to trace the graph, to score, and to make the bundle.
    predicted, took : of the fits that are finished: what was predicted, and what they took.
    underway : of each fit at work, the share that is done and the seconds it took.
    """

    units: dict[str, float]
    preparing: float = 0.0
    answering: dict[str, float] = field(default_factory=dict)
    packing: float = 0.0
    predicted: float = 0.0
    took: float = 0.0
    underway: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def correction(self) -> float:
        """How many times as long as predicted everything took that is done."""
        predicted, took = self.predicted, self.took
        for fold, (share, seconds) in self.underway.items():
            predicted += share * self.units.get(fold, 0.0)
            took += seconds
        return (took + BELIEF) / (predicted + BELIEF)

    def rest(self, fold: str) -> float:
        """What is left of a fit, as it was predicted."""
        share, _ = self.underway.get(fold, (0.0, 0.0))
        return (1 - share) * self.units.get(fold, 0.0)

    @property
    def until_scored(self) -> float:
        """Up to the first score, and the bundle."""
        return (self.preparing + sum(map(self.rest, self.units))) * self.correction + self.packing

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.until_scored + sum(self.answering.values())
