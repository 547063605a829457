"""How long a run will take: a taste of every part of the work, before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from bakeoff.approaches.trainer import Trainer

__all__ = ["estimate_seconds"]

PROBE = 24  # pictures: enough to time, and over in a second or two
WARM_UP = 4  # pictures: the first call of anything is slow, and would be scaled up with the rest


def estimate_seconds(trainer: Trainer, fits: Sequence[int], scored: int) -> float:
    """Seconds for fits on these numbers of pictures, and for scoring `scored` pictures once.

    A few pictures are prepared, trained on and scored for real, on this machine as busy as it
    is now, and the times scaled up. Fits that stop early end sooner.

    Parameters
    ----------
    trainer : of one approach; its inputs are not made yet.
    fits : the number of training pictures of each fit still to come; at least one.
    scored : pictures to score, in all of them.
    """
    largest = max(fits)
    _ = trainer.probe(WARM_UP).source
    probe = trainer.probe(PROBE)
    preparing = _seconds(lambda: probe.source) / len(probe.pictures)
    batch = trainer.training(largest).batch_size or 1
    rows = np.resize(np.arange(len(probe.pictures)), 2 * batch)
    nothing = np.empty(0, dtype=np.int64)
    # The second epoch is timed, as the first warms up.
    trained = probe.fit("taste", train=rows, validation=nothing, schedule_for=largest, stop_after=2)
    learning = trained.fitted.curve[-1].seconds / len(rows)
    score = lambda: trained.model.logits_of(probe.pictures, probe.compute)
    scoring = min(_seconds(score), _seconds(score))
    passes = sum(pictures * (trainer.training(pictures).epochs or 1) for pictures in fits)
    return (
        preparing * len(trainer.pictures)
        + learning * passes
        + scoring / len(probe.pictures) * scored
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
