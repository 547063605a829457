"""The command that says whether more pictures would help: curve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.common import app
from bakeoff.cli.options import (
    Budget,
    Budgeted,
    FitThreads,
    Grouped,
    KeptTogether,
    Open,
    Out,
    Seed,
    Sets,
    Workers,
)
from bakeoff.cli.train import bake_off, watch
from bakeoff.errors import BakeoffError

__all__ = ["curve"]


@app.command()
def curve(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="What `bakeoff run` reads, or the folder that a run left.")
    ],
    approach: Annotated[
        list[str] | None,
        typer.Option(
            "--approach",
            "-a",
            help="Only this approach; may be given several times. Default: all.",
        ),
    ] = None,
    settings: Sets = None,
    group: Grouped = None,
    keep_groups: KeptTogether = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    budget: Budgeted = Budget.standard,
    seed: Seed = 0,
    threads: FitThreads = None,
    workers: Workers = "auto",
    out: Out = None,
    open_report: Open = True,
) -> None:
    """Say whether more pictures would help: accuracy at growing sizes, and at 2× and 4× all.

    Trains every fold on an eighth, a quarter, a half and all of its pictures, fits a power law,
    and leaves a run, without bundles, that holds all of it. Given a run, it adds the curve to it
    and trains nothing again.

    **Examples**

    `bakeoff curve pictures/ -a cnn -a transfer` – takes two to three times as long as a run

    `bakeoff curve pictures/ --budget quick` – a first look

    `bakeoff curve runs/pictures-20260102-030405` – add the curve to that run
    """
    from bakeoff.approaches import APPROACHES
    from bakeoff.approaches.settings import parse_settings
    from bakeoff.run.bake import resume

    folder = Path(source).expanduser()
    if (folder / "run.json").is_file():
        _refuse_more(context, source)
        watch(
            lambda listeners: resume(folder, curve=True, workers=workers, **listeners),
            folder,
            open_report=open_report,
        )
        return
    bake_off(
        source,
        out,
        open_report=open_report,
        approaches=approach or tuple(APPROACHES),
        settings=parse_settings(settings or []),
        group=group,
        keep_groups=keep_groups,
        folds=folds,
        budget=budget.value,
        seed=seed,
        threads=threads,
        workers=workers,
        bundles=False,
        curve=True,
    )


def _refuse_more(context: typer.Context, source: str) -> None:
    """A run keeps to what it was asked; who trains, and whether to open the report, is free."""
    given = [
        name
        for name in context.params
        if (found := context.get_parameter_source(name)) and found.name == "COMMANDLINE"
        if name not in ("source", "workers", "open_report")
    ]
    if given:
        raise BakeoffError(
            source,
            f"is a run and keeps to what it was asked, so {', '.join(given)} have no place here",
            "Leave all options out, or name the pictures to start a run",
        )
