"""The commands that train, and what goes with them: demo, run, report, fetch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
)

from bakeoff.cli.common import app, console, has_display, show
from bakeoff.cli.options import (
    Budget,
    Budgeted,
    Corrections,
    FitThreads,
    Grouped,
    KeptTogether,
    Open,
    Out,
    Seed,
    Sets,
    Shown,
    Workers,
)
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.record.folder import RunFolder

__all__ = [
    "Reading",
    "bake_off",
    "demo",
    "fetch",
    "nothing_beside",
    "on_screen",
    "report",
    "run",
    "watch",
]

T = TypeVar("T")

LISTED = 5  # of the pictures left out, in the terminal


class Mode(StrEnum):
    """How pictures are prepared."""

    auto = "auto"
    ink = "ink"
    photo = "photo"


class Precision(StrEnum):
    """The number format of training."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


@app.command()
def demo(
    out: Out = None,
    budget: Budgeted = Budget.quick,
    seed: Seed = 0,
    threads: FitThreads = None,
    workers: Workers = "auto",
    open_page: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Serve the run and open the page when it is done."),
    ] = True,
) -> None:
    """Bake off four approaches on 1 000 doodles, in two to five minutes, and show the page.

    Needs no network: the doodles come with bakeoff, the weights for transfer learning with a
    Python package.
    """
    asked = {"budget": budget.value, "seed": seed, "threads": threads, "workers": workers}
    folder = bake_off("doodles", out, False, **asked)
    if open_page and (has_display() or console.is_terminal):
        from bakeoff.cli.serve import serve_until_stopped

        serve_until_stopped([folder], threads=threads, open_page=has_display())


@app.command()
def run(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A folder, a CSV, IDX, npz, Parquet, zip or tar file, or a named set: doodles.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run instead of starting one."),
    ] = None,
    approach: Annotated[
        list[str] | None,
        typer.Option(
            "--approach",
            "-a",
            help="Only this approach; may be given several times. Default: all "
            "(baseline, cnn, vit, transfer).",
        ),
    ] = None,
    settings: Sets = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help="Settings from a TOML file, as bakeoff tune leaves one; --set goes before it.",
            dir_okay=False,
        ),
    ] = None,
    group: Grouped = None,
    corrections: Corrections = None,
    folds: Annotated[
        int,
        typer.Option(min=0, help="Folds of the cross-validation; 0 scores on the test part alone."),
    ] = 5,
    test: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.9,
            help="Share locked away as a test part. Default: the official part if there is one, "
            "else a fifth from 600 pictures on.",
        ),
    ] = None,
    keep_groups: KeptTogether = None,
    leave_one_group_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-group-out",
            help="Instead of folds, score each group by models that never saw it.",
        ),
    ] = False,
    budget: Budgeted = Budget.standard,
    mode: Annotated[
        Mode, typer.Option(help="How pictures are prepared: ink (drawings, digits) or photo.")
    ] = Mode.auto,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    threads: FitThreads = None,
    workers: Workers = "auto",
    precision: Annotated[
        Precision, typer.Option(help="Number format of training; scoring is always fp32.")
    ] = Precision.auto,
    bundles: Annotated[
        bool, typer.Option("--bundles/--no-bundles", help="Leave a bundle of every approach.")
    ] = True,
    neighbours: Shown = False,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Train on an eighth, a quarter and a half of the pictures too, and say what more "
            "of them would bring; takes two to three times as long.",
        ),
    ] = False,
    robustness: Annotated[
        bool,
        typer.Option(
            "--brittleness/--no-brittleness",
            help="See how each approach stands turned, blurred, shaded … pictures.",
        ),
    ] = True,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Only say how long it would take here, and leave nothing."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Say the estimate as JSON, in seconds.")
    ] = False,
    open_report: Open = True,
) -> None:
    """Train every approach on the same folds, score them, and write a report.

    **Examples**

    `bakeoff run pictures/` – a folder with a sub-folder of pictures for each class

    `bakeoff run train.csv --approach cnn --approach vit --folds 10`

    `bakeoff run drawings/ --group '^[a-z]+' --leave-one-group-out`

    `bakeoff run digits --set cnn.filters=32,64 --set vit.depth=8 --budget thorough`

    `bakeoff run pictures/ --settings studies/pictures-20260102-030405/settings.toml`

    `bakeoff run pictures/ --corrections check-pictures-20260102-030405/corrections.csv`

    `bakeoff run --resume runs/pictures-20260102-030405`

    `bakeoff run pictures/ --estimate` – how long it would take
    """
    if resume is not None:
        _resume(resume, source, workers, open_report)
        return
    if source is None:
        raise BakeoffError(
            "bakeoff run",
            "nothing to read was named",
            "Say bakeoff run SOURCE, or bakeoff run digits for a try",
        )
    from bakeoff.approaches import APPROACHES

    asked = dict[str, Any](
        approaches=approach or tuple(APPROACHES),
        settings=_settings(settings_file, settings or [], approach),
        group=group,
        corrections=corrections or (),
        folds=folds,
        seed=seed,
        test=test,
        keep_groups=keep_groups,
        leave_one_group_out=leave_one_group_out,
        device=device,
        threads=threads,
        precision=precision.value,
        mode=mode.value,
        budget=budget.value,
        bundles=bundles,
        neighbours=neighbours,
        curve=curve,
        robustness=robustness,
    )
    if estimate:
        _estimate(source, as_json, asked)
    else:
        bake_off(source, out, open_report, workers=workers, **asked)


@app.command()
def report(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a run left.")],
    open_report: Open = True,
) -> None:
    """Write the report of a finished run anew, and open it.

    **Example**

    `bakeoff report runs/digits-20260102-030405`
    """
    from bakeoff.record.folder import RunFolder
    from bakeoff.record.lock import RunLock
    from bakeoff.report.write import write_report

    run = RunFolder.open(path)
    with RunLock(path):  # a run that goes on writes its report too
        written = write_report(run)
    show(written, open_report)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A named set: mnist, fashion-mnist, kmnist, usps.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Copy the files from this folder instead of the network."),
    ] = None,
) -> None:
    """Bring a named set into the cache, checked against its known checksum.

    **Examples**

    `bakeoff fetch mnist`, then `bakeoff run mnist --folds 0`

    `bakeoff fetch mnist --from /media/usb/mnist` – where there is no network
    """
    from bakeoff.data.catalog import fetch as bring

    with Progress(
        "{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task(name, total=None)
        folder = bring(
            name,
            source=source,
            progress=lambda done, total: progress.update(bar, completed=done, total=total or None),
        )
    console.print(f"{name} is in {folder}")


def _settings(
    file: Path | None, texts: list[str], approaches: list[str] | None
) -> dict[str, dict[str, object]]:
    """Those of a file, of the approaches that take part, and over them those of the line."""
    from bakeoff.approaches.settings import parse_settings
    from bakeoff.tune.space import read_settings

    told = read_settings(file) if file else {}
    if approaches:  # a file may hold more than is wanted
        told = {name: some for name, some in told.items() if name in ("", *approaches)}
    for name, some in parse_settings(texts).items():
        told[name] = told.get(name, {}) | some
    return told


def _estimate(source: str, as_json: bool, asked: dict[str, Any]) -> None:
    from bakeoff.run.bake import estimate
    from bakeoff.screen import duration

    seconds = estimate(source, **asked)
    if as_json:
        print(json.dumps({"seconds": seconds, "total": sum(seconds.values())}))
        return
    for name, some in seconds.items():
        console.print(f"{name}: about {duration(some)}")
    console.print(f"all: about {duration(sum(seconds.values()))}")


def bake_off(source: str, out: Path | None, open_report: bool, **options: Any) -> Path:
    """Start a run, show it as it goes, and say where it is."""
    from bakeoff.run.bake import bake

    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = out or Path("runs") / f"{Path(source).expanduser().resolve().stem}-{stamp}"
    watch(lambda listeners: bake(source, folder, **options, **listeners), folder, open_report)
    return folder


def _resume(folder: Path, source: str | None, workers: str, open_report: bool) -> None:
    from bakeoff.run.bake import resume

    nothing_beside(folder, source)
    watch(lambda listeners: resume(folder, workers=workers, **listeners), folder, open_report)


def nothing_beside(folder: Path, source: str | None) -> None:
    """Refuse a SOURCE beside --resume, which knows its own."""
    if source is not None:
        raise BakeoffError(
            f"--resume {folder}",
            f"goes on with what was asked then, so {source} has no place beside it",
            "Leave SOURCE out",
        )


class Reading(Progress):
    """A bar while pictures are read; it goes when they are."""

    def __init__(self) -> None:
        super().__init__(
            "reading pictures",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._bar = self.add_task("reading", total=None)

    def told(self, done: int, total: int) -> None:
        """So many of all pictures are decoded."""
        self.update(self._bar, completed=done, total=total)


def on_screen(work: Callable[[dict[str, Any]], T], *, kept: bool = True) -> T:
    """Do the work of a run with its events on the screen.

    Parameters
    ----------
    work : called with the listeners that `bake` takes.
    kept : whether the run stays, so that it can be gone on with.
    """
    from bakeoff.screen import RunScreen
    from bakeoff.training.compute import keep_freed_memory

    keep_freed_memory()

    screen = RunScreen(console, kept=kept)
    with Reading() as reading:

        def hear(event: Mapping[str, Any]) -> None:
            if not screen.rows:
                reading.stop()
                screen.__enter__()
            screen(event)

        try:
            return work({"on_event": hear, "on_decoded": reading.told})
        finally:
            screen.__exit__(None, None, None)


def watch(work: Callable[[dict[str, Any]], RunFolder], path: Path, open_report: bool) -> None:
    """Do the work of a run with its events on the screen, then say what came of it."""
    from bakeoff.screen import curves_shown, leaderboard, verdict_shown

    try:
        folder = on_screen(work)
    except KeyboardInterrupt:
        if (path / "run.json").exists():
            console.print(f"Stopped. Go on with: bakeoff run --resume {path}", soft_wrap=True)
        raise typer.Exit(130) from None
    results = folder.results()
    console.print(leaderboard(results))
    console.print(verdict_shown(results))
    console.print(curves_shown(results))
    if left_out := results.dataset.left_out:
        console.print(f"\nLeft out ({len(left_out)}), all listed in the report:", style="bold")
        for one in left_out[:LISTED]:
            console.print(f"  {one}", markup=False)
    show(folder.path / "report.html", open_report)
