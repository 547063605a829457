"""How long the work of an approach takes: a probe of every part of it, before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bakeoff.approaches.trainer import Trainer
from bakeoff.data.split import Fold
from bakeoff.training.compute import Compute

__all__ = ["Prediction", "Speed", "Stopwatch"]

PROBE = 24  # pictures: enough to time, and over in a second or two
BELIEF = 10.0  # seconds of finished fits that count as much as what was predicted of them
AROUND = 0.3  # seconds of a fit before its first and after its last epoch
WARM_UP = 4  # pictures: the first call of anything is slow, and would be scaled up with the rest


class Stopwatch:
    """Seconds that work would take if nothing else ran here; on a CPU, those of its threads.

    Probes take milliseconds. On a busy machine a clock shows some of them several times too long,
    where the process was interrupted; its processor time hardly changes.
    """

    def __init__(self, compute: Compute) -> None:
        self._threads = compute.threads if compute.device == "cpu" else 0

    def now(self) -> float:
        """The reading; only differences mean something."""
        return time.process_time() / self._threads if self._threads else time.perf_counter()

    def of(self, work: Callable[[], object]) -> float:
        """Seconds that some work takes."""
        started = self.now()
        work()
        return self.now() - started


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
        rows = np.resize(np.arange(len(probe.pictures)), 2 * batch)
        ends: list[float] = []
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
        # The second epoch is timed, as the first warms up.
        learning = (ends[-1] - ends[0]) / len(rows)
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
    """

    units: dict[str, float]
    preparing: float = 0.0
    answering: dict[str, float] = field(default_factory=dict)
    packing: float = 0.0
    predicted: float = 0.0
    took: float = 0.0

    @property
    def correction(self) -> float:
        """How much more finished fits took than predicted."""
        return (self.took + BELIEF) / (self.predicted + BELIEF)

    @property
    def seconds(self) -> float:
        """All of it."""
        return (
            (self.preparing + sum(self.units.values())) * self.correction
            + self.packing
            + sum(self.answering.values())
        )
