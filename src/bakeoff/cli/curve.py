"""The command that forecasts whether more pictures would help: curve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bakeoff.cli.common import app
from bakeoff.cli.options import (
    Approaches,
    Open,
    Out,
    Sets,
    Workers,
    refuse_options_beside,
    takes_run_options,
)
from bakeoff.cli.train import bake_off, chosen_approaches, watch

__all__ = ["curve"]


@app.command()
@takes_run_options(
    "group", "label", "keep_groups", "folds", "budget", "seed", "threads", minimum={"folds": 2}
)
def curve(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="What `bakeoff run` reads, or the folder of a run.")
    ],
    approach: Approaches = None,
    settings: Sets = None,
    workers: Workers = "auto",
    out: Out = None,
    open_report: Open = True,
    **options: Any,
) -> None:
    """Forecast whether more pictures would help: accuracy at growing sizes, and at 2× and 4× all.

    Trains every fold on an eighth, a quarter, a half and all of its pictures, fits a power law,
    and writes a run without bundles. Given a run, it adds the curve to it and trains nothing
    again.

    **Examples**

    `bakeoff curve pictures/ -a cnn -a transfer` – takes two to three times as long as a run

    `bakeoff curve pictures/ --budget quick` – a first look

    `bakeoff curve runs/pictures-20260102-030405` – add the curve to that run
    """
    from bakeoff.run.bake import config_of, resume

    folder = Path(source).expanduser()
    if (folder / "run.json").is_file():
        refuse_options_beside(context, source, "source", "workers", "open_report")
        watch(
            lambda listeners: resume(folder, curve=True, workers=workers, **listeners),
            folder,
            open_report=open_report,
        )
        return
    options |= chosen_approaches(approach, settings)
    config = config_of(source, bundles=False, curve=True, **options)
    bake_off(config, out, workers, open_report=open_report)
