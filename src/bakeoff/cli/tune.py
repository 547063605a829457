"""The command that searches settings: tune."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bakeoff.cli.common import app, console, show
from bakeoff.cli.options import (
    Corrections,
    Open,
    Out,
    Workers,
    refuse_options_beside,
    takes_run_options,
)
from bakeoff.cli.train import Reading
from bakeoff.errors import BakeoffError
from bakeoff.record.study import RUN_OPTIONS, SearchOptions

if TYPE_CHECKING:
    from bakeoff.record.study import Aim, Search, StudyResults, TrialRecord

__all__ = ["tune"]

AIMS = ("loss", "accuracy", "latency", "size")
UNITS = {"s": 1, "m": 60, "h": 3600}
LISTED = 10  # of the trials, in the terminal


Source = Annotated[str | None, typer.Argument(help="What `bakeoff run` reads.", show_default=False)]
Searched = Annotated[
    list[str] | None,
    typer.Option(
        "--approach", "-a", help="Whose settings; may be given several times. Default: cnn."
    ),
]
ABOUT = {name: field.description for name, field in SearchOptions.model_fields.items()}
TrialCount = Annotated[int, typer.Option(min=2, help=ABOUT["trials"])]
Time = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Start no trial after this long, such as 90s, 30m or 2h."),
]
AimText = Annotated[
    str,
    typer.Option(
        help="What to improve: loss, accuracy, latency or size; two of them with a comma give "
        "the best of the second among those as good in the first."
    ),
]
SpaceFile = Annotated[
    Path | None,
    typer.Option(help="TOML file that narrows or widens what is tried.", dir_okay=False),
]
Inner = Annotated[
    int | None,
    typer.Option(min=1, help=ABOUT["inner"]),
]
ResumeSearch = Annotated[Path | None, typer.Option(help="Continue this interrupted search.")]
Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Database of the study, such as postgresql+psycopg://USER@HOST/NAME. Default: a "
        "file of SQLite in the folder.",
    ),
]
StudyName = Annotated[
    str | None,
    typer.Option(help="Name of the study in that database; searches of the same name share it."),
]


@app.command()
@takes_run_options(*RUN_OPTIONS, minimum={"folds": 2})
def tune(
    context: typer.Context,
    source: Source = None,
    approach: Searched = None,
    trials: TrialCount = 25,
    time: Time = None,
    aim: AimText = "loss",
    space: SpaceFile = None,
    inner: Inner = None,
    out: Out = None,
    resume: ResumeSearch = None,
    storage: Storage = None,
    study: StudyName = None,
    corrections: Corrections = None,
    workers: Workers = "auto",
    open_report: Open = True,
    **options: Any,
) -> None:
    """Search the settings of an approach without fooling yourself, and say how much was gained.

    Each trial trains and is scored on an inner part of the training pictures. The best is then
    trained again and scored on pictures that no trial saw, which shows the optimism of its own
    score. Leaves settings.toml for `bakeoff run --settings`, a table and a report.

    **Examples**

    `bakeoff tune pictures/ --approach cnn --trials 40 --time 30m`

    `bakeoff tune pictures/ -a cnn -a vit --aim accuracy,latency --space mine.toml`

    `bakeoff run pictures/ --settings studies/pictures-20260102-030405/settings.toml`

    `bakeoff tune --resume studies/pictures-20260102-030405`
    """
    from bakeoff.tune.search import resume_tune
    from bakeoff.tune.search import tune as search

    if resume is not None:
        refuse_options_beside(context, f"--resume {resume}", "resume", "workers", "open_report")
        go_on = partial(resume_tune, resume, workers=workers)
        _watch(lambda listeners: go_on(**listeners), resume, open_report)
        return
    if source is None:
        raise BakeoffError("bakeoff tune", "SOURCE is missing", "Type bakeoff tune SOURCE")
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = out or Path("studies") / f"{Path(source).expanduser().resolve().stem}-{stamp}"
    options |= {
        "approaches": tuple(approach or ("cnn",)),
        "trials": trials,
        "seconds": None if time is None else _seconds(time),
        "aims": _aims(aim),
        "space": space,
        "inner": inner,
        "storage": storage,
        "study": study,
        "corrections": corrections or (),
        "workers": workers,
    }
    _watch(lambda listeners: search(source, folder, **options, **listeners), folder, open_report)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    if not found:
        raise BakeoffError(f"--time {text}", "is not a duration", "For example: 90s, 30m or 2h")
    return float(found[1]) * UNITS[found[2]]


def _aims(text: str) -> tuple[Aim, ...]:
    aims = tuple(one.strip() for one in text.split(","))
    if not 1 <= len(aims) <= 2 or len(set(aims)) < len(aims) or set(aims) - set(AIMS):
        raise BakeoffError(
            f"--aim {text}", "is not understood", f"Use one or two of {', '.join(AIMS)}"
        )
    return aims  # type: ignore[return-value]  # just checked


def _watch(work: Callable[[dict[str, Any]], StudyResults], path: Path, open_report: bool) -> None:
    """Do a search with its trials on the screen, then say what came of it."""
    from bakeoff.training.compute import ready_process

    ready_process()
    progress = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    bars: dict[str, Any] = {}

    def show_event(kind: str, details: Mapping[str, Any]) -> None:
        if kind == "search":
            reading.stop()
            progress.start()
            console.print(Text(details["description"], style="bold"))
            for one in details["results"].searches:
                done = sum(trial.state != "running" for trial in one.trials)
                bars[one.name] = progress.add_task(one.name, total=one.wanted, completed=done)
        elif kind == "trial":
            progress.advance(bars[details["approach"]])
            progress.console.print(_line(details["approach"], details["record"]))
        elif kind == "outer":
            progress.console.print(
                f"the search is over; scoring on {details['pictures']} pictures that no trial saw"
            )
        elif kind == "worker died":
            progress.console.print(f"a worker died ({details['how']}); its trial starts again")

    try:
        with Reading() as reading:
            results = work({"on_event": show_event, "on_decoded": reading.show})
    except KeyboardInterrupt:
        if (path / "tune.json").exists():
            console.print(f"Stopped. Continue with: bakeoff tune --resume {path}", soft_wrap=True)
        raise typer.Exit(130) from None
    finally:
        progress.stop()
    for one in results.searches:
        _found(one)
    settings = path / "settings.toml"
    console.print(
        f"\nbakeoff run {results.source} --settings {settings}", soft_wrap=True, markup=False
    )
    show(path / "report.html", open_report)


def _line(approach: str, trial: TrialRecord) -> Text:
    settings = ", ".join(f"{setting}={_short(value)}" for setting, value in trial.settings.items())
    words = f"{approach} · trial {trial.number} · "
    if trial.state == "finished":
        words += f"loss {trial.loss:.4f}, {trial.accuracy:.2%} right"
    else:
        words += f"{trial.state}: {trial.why}"
    return Text(f"{words} · {settings or 'defaults'}")


def _found(search: Search) -> None:
    """The best trials of an approach, and what to make of them."""
    done = [one for one in search.trials if one.state == "finished"]
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column(search.name, no_wrap=True)
    for heading in ("loss", "accuracy", "weights", "one picture", "time"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in sorted(done, key=lambda one: one.loss or 0.0)[:LISTED]:
        picked = search.recommendation is not None and one.number == search.recommendation.trial
        shown.add_row(
            f"trial {one.number}" + (" ◀" if picked else ""),
            f"{one.loss:.4f}",
            f"{one.accuracy:.2%}",
            f"{one.parameters:,}".replace(",", " "),
            f"{one.latency_ms:.2f} ms",
            f"{one.seconds:.0f} s",
            style="bold" if picked else "",
        )
    console.print(shown)
    if len(done) > LISTED:
        console.print(Text(f"and {len(done) - LISTED} more, in trials.csv", style="dim"))
    if search.recommendation is not None:
        console.print(Text(search.recommendation.why, style="bold"))
        if search.recommendation.words:
            console.print(Text(search.recommendation.words))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
