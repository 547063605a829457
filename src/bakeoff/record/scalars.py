"""The numbers of a run over its epochs, for other tools: one sink, several places to pour into."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bakeoff.errors import BakeoffError
from bakeoff.record.events import EpochEnded, Event, UnitFinished
from bakeoff.record.results import Results

__all__ = ["Scalar", "Sink", "TensorBoard", "Trackio", "pour", "scalars_of"]

MEASURED = (
    *("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    "learning_rate",
)


@dataclass(frozen=True)
class Scalar:
    """A number at a step of a curve; `time` in seconds since 1970."""

    curve: str
    name: str
    step: int
    value: float
    time: float


class Sink(Protocol):
    """A place for scalars."""

    def add(self, scalar: Scalar) -> None:
        """Take one."""

    def close(self) -> None:
        """No more will come."""


def scalars_of(events: Iterable[Event], results: Results | None = None) -> Iterator[Scalar]:
    """Those of each epoch of each fit, of each fold, and of the whole run, in their order.

    A curve is called APPROACH/FOLD, or APPROACH for what was scored at the end.
    """
    last = 0.0
    for event in events:
        last = datetime.fromisoformat(event.time).timestamp()
        if isinstance(event, EpochEnded):
            curve = f"{event.approach}/{event.fold}"
            for name in MEASURED:
                value = getattr(event, name)
                if value is not None:
                    yield Scalar(curve, name, event.number, value, last)
        elif isinstance(event, UnitFinished) and event.accuracy is not None:
            yield Scalar(
                f"{event.approach}/{event.fold}", "accuracy", event.best_epoch, event.accuracy, last
            )
    for one in results.approaches if results else ():
        for part, scores in (("out_of_fold", one.out_of_fold), ("test", one.test)):
            if scores is not None:
                for name in ("accuracy", "loss", "calibration_error"):
                    yield Scalar(one.name, f"{part}_{name}", 0, getattr(scores, name), last)


def pour(scalars: Iterable[Scalar], sink: Sink) -> int:
    """Give all scalars to a sink, and count them."""
    count = 0
    try:
        for scalar in scalars:
            sink.add(scalar)
            count += 1
    finally:
        sink.close()
    return count


class TensorBoard:
    """Event files below a folder, one folder for each curve."""

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise BakeoffError(
                "--tensorboard", "needs tensorboardX", "pip install 'bakeoff[log]'"
            ) from None
        self._folder = folder
        self._writer = SummaryWriter
        self._writers: dict[str, Any] = {}

    def add(self, scalar: Scalar) -> None:
        if scalar.curve not in self._writers:
            self._writers[scalar.curve] = self._writer(str(self._folder / scalar.curve))
        writer = self._writers[scalar.curve]
        writer.add_scalar(scalar.name, scalar.value, scalar.step, walltime=scalar.time)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class Trackio:
    """Runs of a local project of Trackio, one for each curve, written when all scalars are there.

    Nothing is sent to the Hub, unless Trackio's own environment variables say so.
    """

    def __init__(self, project: str) -> None:
        try:
            import trackio
        except ImportError:
            raise BakeoffError(
                "--trackio", "needs trackio", "pip install 'bakeoff[trackio]'"
            ) from None
        self._init = trackio.init
        self._project = project
        self._curves: dict[str, dict[int, dict[str, float]]] = {}

    def add(self, scalar: Scalar) -> None:
        steps = self._curves.setdefault(scalar.curve, {})
        steps.setdefault(scalar.step, {})[scalar.name] = scalar.value

    def close(self) -> None:
        for curve, steps in self._curves.items():
            with redirect_stdout(io.StringIO()):  # it explains its dashboard for every run
                run = self._init(
                    project=self._project,
                    name=curve,
                    group=curve.partition("/")[0],
                    embed=False,
                    auto_log_gpu=False,
                    auto_log_cpu=False,
                )
                for step in sorted(steps):
                    run.log(steps[step], step=step)
                run.finish()
