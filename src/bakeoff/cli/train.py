"""The commands that train, and related ones: demo, run, report, fetch."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
)

from bakeoff.cli.common import app, console, has_display, show
from bakeoff.cli.label import rank_after, waits_for_labels
from bakeoff.cli.options import (
    Approaches,
    AsJson,
    ConfigFile,
    Corrections,
    Costs,
    Estimate,
    Labels,
    Open,
    Out,
    Resume,
    Sets,
    SettingsFile,
    Source,
    Unlabelled,
    Workers,
    refuse_options_beside,
    takes_run_options,
)
from bakeoff.data.costs import read_costs
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.record.config import RunConfig
    from bakeoff.record.events import Event
    from bakeoff.record.folder import RunFolder

__all__ = [
    "Reading",
    "bake_off",
    "chosen_approaches",
    "demo",
    "fetch",
    "on_screen",
    "print_outcome",
    "report",
    "run",
    "watch",
]

T = TypeVar("T")
DemoSet: TypeAlias = Literal["doodles", "digits", "clothing"]

LISTED = 5  # of the pictures left out, in the terminal


@app.command()
@takes_run_options("budget", "seed", "threads", budget="quick")
def demo(
    which: Annotated[
        DemoSet,
        typer.Option("--set", help="doodles: 1 000 drawings; digits: 1 797; clothing: 391 photos."),
    ] = "doodles",
    out: Out = None,
    workers: Workers = "auto",
    open_page: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Serve the run while it goes on, and open the page."),
    ] = True,
    **options: Any,
) -> None:
    """Compare four approaches on 1 000 doodles, in two to five minutes; the page opens at once.

    Needs no network: the pictures come with bakeoff, the weights for transfer learning with it or
    with a Python package.

    **Examples**

    `bakeoff demo`

    `bakeoff demo --set clothing` – photos
    """
    if open_page and (has_display() or console.is_terminal):
        _bake_on_page(which, options, out, workers)
        return
    from bakeoff.run.bake import config_of

    bake_off(config_of(which, **options), out, workers, open_report=False)


@app.command()
@takes_run_options(
    "group",
    "label",
    "folds",
    "test",
    "keep_groups",
    "leave_one_group_out",
    "budget",
    "mode",
    "seed",
    "device",
    "threads",
    "precision",
    "bundles",
    "neighbours",
    "curve",
    "robustness",
    "metric",
    "pseudo_label",
)
def run(
    context: typer.Context,
    source: Source = None,
    out: Out = None,
    resume: Resume = None,
    config: ConfigFile = None,
    approach: Approaches = None,
    settings: Sets = None,
    settings_file: SettingsFile = None,
    corrections: Corrections = None,
    unlabelled: Unlabelled = None,
    labels: Labels = None,
    cost: Costs = None,
    workers: Workers = "auto",
    estimate: Estimate = False,
    as_json: AsJson = False,
    open_report: Open = True,
    **options: Any,
) -> None:
    """Train every approach on the same folds, score them, and write a report.

    **Examples**

    `bakeoff run pictures/` – a folder with a sub-folder of pictures for each class

    `bakeoff run train.csv --approach cnn --approach vit --folds 10 --estimate` – how long?

    `bakeoff run drawings/ --group '^[a-z]+' --leave-one-group-out`

    `bakeoff run photos/ --label '^([a-z]+)[.]'` – cat.0.jpg shows a cat

    `bakeoff run digits --set cnn.filters=32,64 --set vit.depth=8 --budget thorough`

    `bakeoff run pictures/ --approach my_net.py:MyNet --approach cnn` – your own network too

    `bakeoff run pictures/ --settings settings.toml --corrections corrections.csv`

    `bakeoff run pictures/ --unlabelled more/ --cost costs.csv` – costs choose the winner

    `bakeoff run --resume runs/pictures-20260102-030405`

    `bakeoff run --config runs/pictures-20260102-030405/run.json` – the same run again
    """
    if resume is not None:
        _resume(context, resume, workers, open_report)
        return
    on_page = open_report and has_display() and not estimate
    if config is None:
        options |= _read_tables(corrections, unlabelled, labels, cost)
        options |= chosen_approaches(approach, settings, settings_file)
        if on_page and source is not None:  # the page opens before the set is read
            _bake_on_page(source, options, out, workers)
            return
    parsed = _config_of(source, options) if config is None else _read_config(config, context)
    if estimate:
        _estimate(parsed, as_json)
    elif on_page:
        _on_page(parsed, out, workers)
    else:
        bake_off(parsed, out, workers, open_report=open_report)


@app.command()
def report(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    open_report: Open = True,
) -> None:
    """Rewrite the report of a finished run, and open it.

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
    """Download a named set into the cache and verify its checksum.

    **Examples**

    `bakeoff fetch mnist`, then `bakeoff run mnist --folds 0`

    `bakeoff fetch mnist --from /media/usb/mnist` – without a network
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


def chosen_approaches(
    approaches: list[str] | None, texts: list[str] | None, file: Path | None = None
) -> dict[str, Any]:
    """The options `approaches` and `settings`: from a file, overridden by the command line."""
    from bakeoff.approaches.own import own_name
    from bakeoff.approaches.settings import parse_settings
    from bakeoff.record.config import DEFAULT_APPROACHES
    from bakeoff.tune.space import read_settings

    settings = read_settings(file) if file else {}
    names = [own_name(approach) or approach for approach in approaches or ()]
    if approaches:  # a file may hold more than is wanted
        settings = {name: own for name, own in settings.items() if name in ("", *names)}
    for name, own in parse_settings(texts or [], also=names).items():
        settings[name] = settings.get(name, {}) | own
    return {"approaches": approaches or DEFAULT_APPROACHES, "settings": settings}


def _read_tables(
    corrections: Path | None, unlabelled: Path | None, labels: Path | None, cost: Path | None
) -> dict[str, Any]:
    """The options of a run that are read from files: single pictures, and what errors cost."""
    from bakeoff.data.corrections import active_corrections
    from bakeoff.data.new_labels import given_labels

    return {
        "unlabelled": None if unlabelled is None else str(unlabelled.expanduser().resolve()),
        "corrections": (*active_corrections(corrections or ()), *given_labels(labels or ())),
    } | ({} if cost is None else {"cost": read_costs(cost)})


def _config_of(source: str | None, options: dict[str, Any]) -> RunConfig:
    from bakeoff.run.bake import config_of

    if source is None:
        raise BakeoffError(
            "bakeoff run", "SOURCE is missing", "Type bakeoff run SOURCE, or bakeoff run digits"
        )
    return config_of(source, **options)


def _read_config(file: IO[bytes], context: typer.Context) -> RunConfig:
    from bakeoff.record.config import RECIPE, RunConfig
    from bakeoff.record.old_names import read_json

    allowed = ("config", "out", "workers", "estimate", "as_json", "open_report")
    refuse_options_beside(context, "--config", *allowed)
    try:
        document = read_json(file.read(), f"--config {file.name}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BakeoffError(
            f"--config {file.name}", "is not a JSON object", "Name the run.json of a run"
        )
    for approach in document.get("approaches") or ():
        if isinstance(approach, dict) and isinstance(approach.get("own"), dict):
            approach["own"]["digest"] = ""  # that of the file as it is now
    return RunConfig.parse(**document | {"fingerprint": "", "recipe": RECIPE})


def _estimate(config: RunConfig, as_json: bool) -> None:
    from bakeoff.run.bake import estimate_config
    from bakeoff.screen import duration

    seconds = estimate_config(config)
    if as_json:
        print(json.dumps({"seconds": seconds, "total": sum(seconds.values())}))
        return
    for name, share in seconds.items():
        console.print(f"{name}: about {duration(share)}")
    console.print(f"all: about {duration(sum(seconds.values()))}")


def _bake_on_page(
    source: str,
    options: dict[str, Any],
    out: Path | None,
    workers: str,
) -> None:
    """Start a run in a process of its own, and serve it from the first second on."""
    from bakeoff.record.config import RunConfig

    path = Path(source).expanduser()
    lasting = str(path.resolve()) if path.exists() else source
    _on_page(RunConfig.asked(source=lasting, **options), out, workers)


def _on_page(config: RunConfig, out: Path | None, workers: str) -> None:
    from bakeoff.cli.live import bake_on_page
    from bakeoff.record.folder import RunFolder

    folder = out or _new_folder(config)
    RunFolder.check_free(folder)
    bake_on_page(config, folder, workers, print_outcome)


def _new_folder(config: RunConfig) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{Path(config.source).resolve().stem}-{stamp}"


def bake_off(config: RunConfig, out: Path | None, workers: str, *, open_report: bool) -> Path:
    """Start a run, show its progress, and print its folder."""
    from bakeoff.run.bake import bake_config

    folder = out or _new_folder(config)
    watch(
        lambda listeners: bake_config(config, config.source, folder, workers=workers, **listeners),
        folder,
        open_report,
    )
    return folder


def _resume(context: typer.Context, folder: Path, workers: str, open_report: bool) -> None:
    refuse_options_beside(context, f"--resume {folder}", "resume", "workers", "open_report")
    if open_report and has_display():
        from bakeoff.cli.live import bake_on_page
        from bakeoff.record.folder import RunFolder

        RunFolder.open(folder)
        bake_on_page(None, folder, workers, print_outcome)
        return
    from bakeoff.run.bake import resume

    watch(lambda listeners: resume(folder, workers=workers, **listeners), folder, open_report)


class Reading(Progress):
    """A progress bar while pictures are read."""

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

    def show(self, done: int, total: int) -> None:
        """`done` of `total` pictures are decoded."""
        self.update(self._bar, completed=done, total=total)


def on_screen(work: Callable[[dict[str, Any]], T], *, kept: bool = True) -> T:
    """Do the work of a run and show its events.

    Parameters
    ----------
    work : called with the listeners that `bake` takes.
    kept : whether the run is kept, so that it can be resumed.
    """
    from bakeoff.screen import RunScreen
    from bakeoff.training.compute import ready_process

    ready_process()

    screen = RunScreen(console, kept=kept)
    with Reading() as reading:

        def hear(event: Event) -> None:
            if not screen.rows:
                reading.stop()
                screen.__enter__()
            screen(event)

        try:
            return work({"on_event": hear, "on_decoded": reading.show})
        finally:
            screen.__exit__(None, None, None)


def watch(work: Callable[[dict[str, Any]], RunFolder], path: Path, open_report: bool) -> None:
    """Do the work of a run, show its events, then print its results."""
    try:
        folder = on_screen(work)
    except KeyboardInterrupt:
        if (path / "run.json").exists():
            console.print(f"Stopped. Continue with: bakeoff run --resume {path}", soft_wrap=True)
        raise typer.Exit(130) from None
    print_outcome(folder)
    if waits_for_labels(folder.config):
        rank_after(folder)
    show(folder.path / "report.html", open_report)


def print_outcome(folder: RunFolder) -> None:
    """Print the results of a finished run."""
    from bakeoff.screen import curves_shown, leaderboard, pseudo_labels_shown, verdict_shown

    results = folder.results()
    console.print(leaderboard(results))
    console.print(verdict_shown(results))
    console.print(curves_shown(results))
    console.print(pseudo_labels_shown(results))
    if left_out := results.dataset.left_out:
        console.print(f"\nLeft out ({len(left_out)}), all listed in the report:", style="bold")
        for item in left_out[:LISTED]:
            console.print(f"  {item}", markup=False)
