"""Options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Budget",
    "Budgeted",
    "Corrections",
    "FitThreads",
    "Grouped",
    "KeptTogether",
    "Open",
    "Out",
    "Seed",
    "Sets",
    "Shown",
    "Workers",
]


class Budget(StrEnum):
    """How long to train."""

    quick = "quick"
    standard = "standard"
    thorough = "thorough"


Open = Annotated[bool, typer.Option("--open/--no-open", help="Open the report when it is done.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder for the run. Default: runs/NAME-DATE-TIME."),
]
Seed = Annotated[int, typer.Option(help="Seed of the split, the networks and the augmentation.")]
Budgeted = Annotated[
    Budget,
    typer.Option(help="How long to train: quick for a first look, thorough for the last points."),
]


FitThreads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="CPU threads of each fit; they change the last bits of the numbers. Default: one, "
        "where there are fits enough for all cores.",
    ),
]
Grouped = Annotated[
    str | None,
    typer.Option(
        help="How pictures are grouped: a regular expression on the file name, column:NAME, "
        "or folder (the level below the class)."
    ),
]
KeptTogether = Annotated[
    bool | None,
    typer.Option(
        "--keep-groups/--mix-groups",
        help="Keep the pictures of a group in one fold, or not. Default: where there are "
        "enough groups, and enough with each class.",
        show_default=False,
    ),
]
Corrections = Annotated[
    Path | None,
    typer.Option(
        help="Labels to change and pictures to leave out, as bakeoff check proposes them; the "
        "source stays as it is.",
        dir_okay=False,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="APPROACH.KNOB=VALUE",
        help="Change a setting, such as cnn.filters=32,64 or, for all approaches, epochs=20.",
    ),
]
Shown = Annotated[
    bool,
    typer.Option(
        "--with-neighbours",
        help="Ship small training pictures with the bundle, to be shown beside what is asked. "
        "Whoever has the bundle then has those pictures.",
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        "-w",
        metavar="WHO",
        help="Who trains: local:N for N processes, ray or ray://HOST:PORT for a cluster. auto: as "
        "many processes as are worth it. The numbers are the same.",
    ),
]
