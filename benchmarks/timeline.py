"""What each second of a finished run goes to, by phase, and what its bundles take.

    python benchmarks/timeline.py runs/doodles-20260102-030405

Seconds of the clock are those between events of the driver; core-seconds are what workers report.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bakeoff.record.events import (
    ApproachScored,
    BundleWritten,
    Event,
    GraphTraced,
    PicturesCorrupted,
    RunFinished,
    RunStarted,
    TestOpened,
    TimeLeft,
    UnitFinished,
    UnitStarted,
)
from bakeoff.record.folder import RunFolder


def moment(event: Event) -> float:
    return datetime.fromisoformat(event.time).timestamp()


def phases(events: list[Event]) -> list[tuple[str, float]]:
    """The run by the clock: each phase ends with the event that is named."""
    ends = [
        ("reading, estimating, up to the first fit", UnitStarted),
        ("up to the first score and model", ApproachScored),
        ("up to the last fit", UnitFinished),
        ("graphs, corruptions, up to the locked test", TestOpened),
        ("bundles, up to the last one", BundleWritten),
        ("costs, results, report", RunFinished),
    ]
    last, rows = moment(events[0]), []
    for words, kind in ends:
        found = [event for event in events if isinstance(event, kind)]
        if not found:
            continue
        now = moment(found[-1] if kind in (UnitFinished, BundleWritten) else found[0])
        rows.append((words, now - last))
        last = now
    return rows


def work(events: list[Event]) -> dict[str, dict[str, float]]:
    """Seconds that workers were busy, by approach and kind of work."""
    spent: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for event in events:
        if isinstance(event, UnitFinished):
            spent[event.approach]["fits"] += event.seconds
            spent[event.approach]["on a processor"] += event.cpu_seconds or 0.0
        elif isinstance(event, GraphTraced):
            spent[event.approach]["graph"] += event.seconds
        elif isinstance(event, PicturesCorrupted):
            spent[event.approach]["answers to corruptions"] += event.seconds
    return spent


def scored(events: list[Event]) -> dict[str, float]:
    """Seconds after the start at which each approach could be used."""
    start = moment(events[0])
    return {
        event.approach: moment(event) - start
        for event in events
        if isinstance(event, ApproachScored)
    }


def main(path: Path) -> None:
    folder = RunFolder.open(path)
    events = list(folder.events())
    if not events or not isinstance(events[0], RunStarted):
        raise SystemExit(f"{path} has no events")
    console = Console()
    table = Table("by the clock", "seconds")
    for words, seconds in phases(events):
        table.add_row(words, f"{seconds:.0f}")
    table.add_row("all", f"{moment(events[-1]) - moment(events[0]):.0f}")
    console.print(table)
    kinds = ("fits", "on a processor", "graph", "answers to corruptions")
    table = Table("by approach", *kinds, "usable after")
    usable = scored(events)
    for name, spent in work(events).items():
        after = f"{usable[name]:.0f}" if name in usable else "–"
        table.add_row(name, *(f"{spent[kind]:.1f}" for kind in kinds), after)
    console.print(table)
    table = Table("by bundle", "graph, MB", "all files, MB", "an answer in one thread, ms")
    for one in folder.results().approaches:
        files = {each.name: each.stat().st_size / 1e6 for each in folder.bundle(one.name).iterdir()}
        answer = f"{one.latency.batch_1_ms:.1f}" if one.latency else "–"
        table.add_row(one.name, f"{files['model.onnx']:.1f}", f"{sum(files.values()):.1f}", answer)
    console.print(table)
    for event in events:
        if isinstance(event, TimeLeft):
            took = moment(events[-1]) - moment(event)
            console.print(f"first estimate {event.seconds:.0f} s, it took {took:.0f} s")
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
