"""Who does the work: the interfaces of workers, the backends that start them, and executors.

Work is cut into units, each seeded by its name and done with the arithmetic that the run settled,
so the numbers are the same whichever worker does them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from bakeoff.errors import BakeoffError
from bakeoff.machine import available_memory, cores
from bakeoff.training.compute import Compute
from bakeoff.workers.units import Tell, Unit
from bakeoff.workers.work import Work
from bakeoff.workers.worker import UnitOutcome

__all__ = [
    "WORTH_STARTING",
    "Backend",
    "Executor",
    "WorkerDied",
    "WorkerHandle",
    "Workers",
    "threads_for",
]

WORTH_STARTING = 15.0  # seconds of work: a worker takes some three to import torch
MEMORY = 1_500_000_000  # bytes that a worker may come to hold


@dataclass(frozen=True)
class Workers:
    """Which workers train: `kind` and how many, or the address of a cluster."""

    kind: Literal["auto", "local", "ray"]
    count: int | None = None
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> Workers:
        """From ``auto``, ``local:N`` or just ``N``, ``ray`` or ``ray://HOST:PORT``.

        Raises
        ------
        BakeoffError
            It is none of these.
        """
        kind, _, count = (f"local:{text}" if text.isdecimal() else text).partition(":")
        if text in ("auto", "ray"):
            return cls(text)  # type: ignore[arg-type]  # one of the two
        if re.fullmatch(r"ray://.+:\d+", text):
            return cls("ray", address=text)
        if kind == "local" and count.isdecimal() and int(count) > 0:
            return cls("local", int(count))
        raise BakeoffError(
            f"workers {text}", "is not understood", "Use auto, local:N, ray or ray://HOST:PORT"
        )

    def settled(self, units: int, seconds: float, compute: Compute) -> Workers:
        """The workers to start for a number of units that would take one worker `seconds`.

        "auto" stays in this process where starting others would take longer than they save, and
        on a graphics card, which one fit keeps busy.
        """
        if self.kind != "auto":
            return self
        count = 1
        if compute.device == "cpu" and seconds > WORTH_STARTING:
            memory = available_memory() // MEMORY
            count = max(1, min(units, cores() // compute.threads, memory))
        return Workers("local", count)


def threads_for(units: int, device: str) -> int:
    """How many threads each unit gets, where an approach has `units` of them.

    One where there are enough units for all cores: on two cores, two units at a time were 1.3
    times as fast as one after another with both cores (benchmarks/workers.txt). It depends on the
    run and on the machine where it was started, never on the workers, since the number of threads
    changes the last bits of a sum.
    """
    return max(1, cores() // units) if device == "cpu" else cores()


class WorkerDied(Exception):  # noqa: N818 - an event as much as an error
    """A worker is gone: `how`, and the last it wrote."""

    def __init__(self, how: str, log: str = "") -> None:
        super().__init__(how)
        self.how = how
        self.log = log


class WorkerHandle(ABC):
    """One worker as the process that leads holds it; only `stop` and `close` may be called from
    another thread.
    """

    name: str

    @abstractmethod
    def ready(self) -> UnitOutcome:
        """Wait until it can be given a unit; raises `WorkerDied`."""

    @abstractmethod
    def work(self, unit: Unit, tell: Tell) -> UnitOutcome:
        """Have a unit done and say how it ended; raises `WorkerDied`."""

    @abstractmethod
    def stop(self, unit: Unit) -> None:
        """Have it stop a unit at the end of an epoch."""

    @abstractmethod
    def close(self) -> None:
        """End it, whatever it does."""


class Backend(Protocol):
    """Where workers run."""

    def capacity(self) -> int:
        """How many workers there is room for now."""

    def start(self) -> WorkerHandle:
        """Start one more; it need not be ready yet."""

    def close(self) -> None:
        """Leave nothing behind, when all workers are closed."""


class Executor(AbstractContextManager["Executor"]):
    """Workers for as long as the block lasts."""

    @abstractmethod
    def do(self, work: Work) -> None:
        """Do all of it.

        Raises
        ------
        BakeoffError
            The workers of a unit died too often, or none came to be ready.
        """
