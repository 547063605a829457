"""What a worker costs, and what a second one gains: processes of this machine, and Ray.

    python benchmarks/workers.py > benchmarks/workers.txt

A cluster of Ray is started on this machine and ended with it. Overhead is the time from the end of
a trivial unit (the baseline, one epoch, 60 digits) to the end of the next, but for what the unit
says it took: giving it out, hearing of it, and writing it down with its events; medians. Speed-up
is that of units which fit one core (the CNN, three epochs of 300 of 500 doodles), by the wall clock
from when all workers are ready, so that what starting them takes is counted apart. How many events
the driver takes in a second is measured with workers that do nothing but report, with every event
written to the run's folder, as a run does.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from measure import hardware

from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.split import Fold
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import EpochEnded, Event, UnitFinished
from bakeoff.record.folder import RunFolder
from bakeoff.training.compute import Compute, keep_freed_memory
from bakeoff.workers.cluster import Cluster
from bakeoff.workers.crew import Executor, WorkerHandle
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import InlineExecutor, PoolExecutor
from bakeoff.workers.processes import Processes
from bakeoff.workers.units import FitUnit, Tell, Unit
from bakeoff.workers.worker import UnitOutcome

SIZES = (1000, 20000)
WARM = 6  # units before those that count
UNITS = 6  # of the CNN
EPOCHS = 3
REPORTED = 100  # events by each worker that does nothing else
KINDS = {"here": "in this process", "processes": "a process", "ray": "an actor of Ray"}
CREWS = {  # kind, workers, threads of each
    "local:1": ("here", 1, 1),
    "local:2": ("processes", 2, 1),
    "local:1, two threads": ("here", 1, 2),
    "Ray, one core": ("ray", 1, 1),
    "Ray, two cores": ("ray", 2, 1),
}


class Timed:
    """Units with the same work, and when each ended."""

    def __init__(self, units: list[FitUnit], folder: RunFolder) -> None:
        self.units = units
        self.folder = folder
        self.ends: list[float] = []
        self.own: list[float] = []  # seconds that each says it took
        self.first = 0.0

    def left(self) -> int:
        return len(self.units)

    def next(self, last: str | None) -> Unit | None:  # noqa: ARG002
        self.first = self.first or time.perf_counter()
        return self.units.pop() if self.units else None

    def heard(self, unit: Unit, event: Event) -> bool:  # noqa: ARG002
        self.folder.log(event)
        if isinstance(event, UnitFinished):
            self.own.append(event.seconds)
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:  # noqa: ARG002
        assert error is None, "nothing is refused here"
        self.ends.append(time.perf_counter())


def data_of(dataset: Dataset, folder: RunFolder, threads: int) -> TrainingData:
    """One fold that holds out a fifth."""
    rows = np.arange(len(dataset))
    fold = Fold("fold", rows[rows % 5 > 1], rows[rows % 5 == 1], rows[rows % 5 == 0])
    compute = Compute("cpu", threads, bf16=False)
    return TrainingData.of(folder.config, dataset, rows, {"fold": fold}, compute)


@contextmanager
def crew_of(kind: str, count: int, data: TrainingData, folder: RunFolder) -> Iterator[Executor]:
    """`kind` is "here", "processes" or "ray"; Ray gets as many cores as there are workers."""
    if kind == "here":
        yield InlineExecutor(data, folder)
    elif kind == "processes":
        with PoolExecutor(Processes(count, data, folder), died) as crew:
            yield crew
    else:
        with (
            cluster(count * data.compute.threads),
            PoolExecutor(Cluster(None, data, folder), died) as crew,
        ):
            yield crew


@contextmanager
def cluster(cores: int) -> Iterator[None]:
    """Ray on this machine, as long as the block lasts."""
    import ray  # not before there is a token

    quiet: dict[str, Any] = {
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "error",
    }
    ray.init(num_cpus=cores, object_store_memory=200_000_000, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


def died(unit: Unit | None, how: str, log: str) -> None:  # noqa: ARG001
    raise RuntimeError(f"a worker died {how}: {log}")


@contextmanager
def folder_for(approach: str) -> Iterator[RunFolder]:
    with tempfile.TemporaryDirectory() as nowhere:
        config = RunConfig.parse(source="benchmark", approaches=(approach,))
        yield RunFolder.create(Path(nowhere) / "run", config)


def units(approach: str, names: str, count: int, **settings: object) -> list[FitUnit]:
    return [FitUnit(approach, f"{names} {n}", "fold", settings) for n in range(count)]


def overhead(kind: str, count: int) -> tuple[float, float, float]:
    """Seconds until the first worker is ready, of a unit, and of what goes on around it."""
    digits = read("digits").take(np.arange(60))
    with folder_for("baseline") as folder:
        data = data_of(digits, folder, 1)
        data.compute.apply()
        with crew_of(kind, 1, data, folder) as crew:
            started = time.perf_counter()
            first = Timed(units("baseline", "first", 1, epochs=1), folder)
            crew.do(first)
            work = Timed(units("baseline", "unit", WARM + count, epochs=1), folder)
            crew.do(work)
    took = np.diff(work.ends)[WARM - 1 :]
    around = took - np.array(work.own[WARM:])
    return first.first - started, float(np.median(took)), float(np.median(around))


def seconds_for(kind: str, count: int, threads: int) -> float:
    """Seconds for some units of the CNN, when every worker is ready and warm."""
    doodles = read("doodles").take(np.arange(0, 1000, 2))
    with folder_for("cnn") as folder:
        data = data_of(doodles, folder, threads)
        data.compute.apply()
        with crew_of(kind, count, data, folder) as crew:
            tries = 0
            while not tries or (isinstance(crew, PoolExecutor) and len(crew._idle) < count):
                tries += 1  # until all are ready, and have prepared their pictures
                crew.do(Timed(units("cnn", f"warm {tries}", 2 * count, epochs=1), folder))
            work = Timed(units("cnn", "unit", UNITS, epochs=EPOCHS), folder)
            crew.do(work)
    return work.ends[-1] - work.first


def noise(size: int) -> Dataset:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
    labels = np.arange(size, dtype=np.int64) % 10
    return Dataset("noise", Pictures.from_array(pixels), labels, tuple("0123456789"), names=())


def written(data: TrainingData, folder: RunFolder) -> float:
    """Seconds until processes of this machine can read it."""
    started = time.perf_counter()
    backend = Processes(1, data, folder)
    seconds = time.perf_counter() - started
    backend.close()
    return seconds


def put(data: TrainingData) -> float:
    """Seconds until an actor of Ray has it: put once, fetched, and taken apart."""
    import ray

    @ray.remote(num_cpus=0)
    def taken(one: TrainingData) -> int:
        return one.nbytes

    ray.get(taken.remote(data))  # its process is there
    started = time.perf_counter()
    ray.get(taken.remote(ray.put(data.to_ship())))
    return time.perf_counter() - started


class Talker(WorkerHandle):
    """A worker that does nothing but report, as fast as it is heard."""

    name = "talker"

    def ready(self) -> UnitOutcome:
        return {"ended": "ready"}

    def work(self, unit: Unit, tell: Tell) -> UnitOutcome:
        for number in range(REPORTED):
            tell(
                EpochEnded(
                    approach=unit.approach,
                    fold=unit.name,
                    number=number,
                    of=REPORTED,
                    learning_rate=0.001,
                    train_loss=0.5,
                    train_accuracy=0.75,
                    validation_loss=0.5,
                    validation_accuracy=0.75,
                    seconds=0.5,
                )
            )
        return {"ended": "done"}

    def stop(self, unit: Unit) -> None:
        pass

    def close(self) -> None:
        pass


class Talkers:
    """Room for so many of them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def capacity(self) -> int:
        return self.count

    def start(self) -> WorkerHandle:
        return Talker()

    def close(self) -> None:
        pass


def events_a_second(count: int) -> float:
    """How fast the driver takes in what `count` workers report, and writes it down."""
    with folder_for("cnn") as folder, PoolExecutor(Talkers(count), died) as crew:
        work = Timed(units("cnn", "unit", count), folder)
        started = time.perf_counter()
        crew.do(work)
        return count * REPORTED / (time.perf_counter() - started)


def main() -> None:
    """Print what was measured, a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=30, help="trivial units for the overhead")
    parser.add_argument("--rounds", type=int, default=3, help="times that speed is measured")
    asked = parser.parse_args()
    # One of its own: Ray would leave one in the home folder for a cluster that it starts.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    keep_freed_memory()  # as every worker does, and the command line
    print(f"{hardware()}; load when it began: {os.getloadavg()[0]:.1f}\n")

    print("| one worker | ready after | a trivial unit | … but for its own work | … beside here |")
    print("|---|---|---|---|---|")
    here = None
    for kind, words in KINDS.items():
        ready, unit, around = (1e3 * seconds for seconds in overhead(kind, asked.units))
        here = around if here is None else here
        cells = f"{ready / 1e3:.1f} s | {unit:.0f} ms | {around:.1f} ms | {around - here:+.1f} ms"
        print(f"| {words} | {cells} |", flush=True)

    took: dict[str, list[float]] = {name: [] for name in CREWS}
    for _ in range(asked.rounds):  # in turns, so that what else goes on meets all alike
        for name, crew in CREWS.items():
            took[name].append(seconds_for(*crew))
    print(f"\n| {UNITS} units of the CNN | seconds, median | all | times as fast |")
    print("|---|---|---|---|")
    base = 0.0
    for name, (_, count, threads) in CREWS.items():
        middle = median(took[name])
        if (count, threads) == (1, 1):
            base = middle
        every = ", ".join(f"{one:.1f}" for one in took[name])
        print(f"| {name} | {middle:.1f} | {every} | {base / middle:.2f} |", flush=True)

    print("\n| pictures of 28×28 | shipped to a node | written for processes | put into Ray |")
    print("|---|---|---|---|")
    with folder_for("baseline") as folder, cluster(1):
        for size in SIZES:
            data = data_of(noise(size), folder, 1)
            both = [(written(data, folder), put(data)) for _ in range(5)]
            row = [f"{data.to_ship().nbytes / 1e6:.2f} MB"]
            row += [f"{1e3 * median(times):.0f} ms" for times in zip(*both, strict=True)]
            print(f"| {size} | {' | '.join(row)} |", flush=True)

    print("\n| workers that tell all the time | events a second that the driver takes |")
    print("|---|---|")
    for count in (1, 64, 1024):
        print(f"| {count} | {events_a_second(count):.0f} |", flush=True)
    print(f"\nLoad when it ended: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
