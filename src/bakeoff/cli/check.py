"""The command that finds issues of a dataset: check."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bakeoff.cli.common import app, console, open_page
from bakeoff.cli.options import Corrections, Open, takes_run_options
from bakeoff.cli.train import on_screen

if TYPE_CHECKING:
    from bakeoff.run.checkup import Checkup

__all__ = ["check"]

SHOWN = 5  # of each kind, in the terminal


Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE|RUN",
        help="Anything that bakeoff run reads, or a finished run.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder to leave. Default: check-NAME-DATE-TIME."),
]
Finders = Annotated[
    list[str] | None,
    typer.Option(
        "--approach",
        "-a",
        help="Find label errors with this approach; may be given several times, and two find "
        "more than one. Default: baseline.",
    ),
]
UseModels = Annotated[
    bool,
    typer.Option(
        "--models/--no-models", help="Find label errors with models too; else only by looks."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with code 1 if there are any issues.")]


@app.command()
@takes_run_options("group", "label", "threads")
def check(
    source: Source,
    out: Out = None,
    approach: Finders = None,
    models: UseModels = True,
    corrections: Corrections = None,
    strict: Strict = False,
    open_report: Open = True,
    **options: Any,
) -> None:
    """Find issues of a set: odd pictures, near-duplicates, label errors, shortcuts.

    Leaves *check.html* to look at, *health.json* for programs, and *corrections.csv*, which
    proposes what to do with each picture: *relabel*, *leave out* or *keep*. Go through it, change
    what you disagree with, and give it to `bakeoff run --corrections`. The set itself never
    changes.

    **Examples**

    `bakeoff check pictures/`

    `bakeoff check pictures/ --approach baseline --approach cnn` – slower, and finds more

    `bakeoff check pictures/ --no-models` – by looks alone, in seconds

    `bakeoff check runs/pictures-20260102-030405` – what a run found

    `bakeoff check pictures/ --strict --no-open --out found` – in a script
    """
    from bakeoff.record.folder import RunFolder
    from bakeoff.run.checkup import check as look_over
    from bakeoff.run.checkup import check_free, check_run

    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = out or Path(f"check-{Path(source).expanduser().resolve().stem}-{stamp}")
    check_free(folder)
    if (Path(source) / "run.json").is_file():
        found = check_run(RunFolder.open(Path(source)), folder)
    else:
        options["corrections"] = corrections or ()
        options["approaches"] = (approach or ("baseline",)) if models else ()
        try:
            found = on_screen(
                lambda listeners: look_over(source, folder, **options, **listeners), kept=False
            )
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    _show(found)
    _show_files(found, folder)
    open_page(folder / "check.html", open_report)
    if strict and found.health.words:
        raise typer.Exit(1)


def _show_files(found: Checkup, folder: Path) -> None:
    """What was written, and the command that uses it."""
    acting = sum(correction.action != "keep" for correction in found.proposed)
    left = len(found.proposed) - acting
    for name, words in (
        ("check.html", "to look at"),
        ("corrections.csv", f"{acting} proposed, {left} for you to decide"),
        ("health.json", "for programs"),
    ):
        console.print(f"{folder / name}  ({words})", markup=False, soft_wrap=True)
    if found.proposed:
        again = shlex.join(["bakeoff", "run", found.dataset.source, "--corrections"])
        table = shlex.quote(str(folder / "corrections.csv"))
        console.print(f"then: {again} {table}", markup=False, soft_wrap=True)


def _show(found: Checkup) -> None:
    health = found.health
    console.print(Text(f"\n{found.dataset.description}", style="bold"))
    for words in health.words or ["No issues."]:
        console.print(Text(f"• {words}"))
    if health.suspects:
        rows = [
            (one.name, one.label, one.proposed, f"{one.quality:.1%}") for one in health.suspects
        ]
        _table(["label error?", "labelled", "proposed", "probability"], rows)
    if health.odd:
        _table(["odd", "class", "why"], [(one.name, one.label, one.why) for one in health.odd])
    console.print()


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in header:
        table.add_column(heading, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*map(Text, row))
    console.print(table)
