"""`bakeoff next`: which pictures without a label to label next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bakeoff.cli.common import app, console, counted
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.data.correction import Correction
    from bakeoff.next.of_run import Waiting
    from bakeoff.next.ranking import Candidate
    from bakeoff.record.config import RunConfig
    from bakeoff.record.folder import RunFolder

__all__ = ["next_", "rank_after", "waits_for_labels"]

TAKE = 20

Places = Annotated[
    list[Path],
    typer.Argument(
        metavar="[RUN] [PICTURES]",
        help="A run, pictures without a label, or both. A run alone: the pictures beside its own "
        "that have no label. Pictures alone: what to label first.",
        show_default=False,
    ),
]
Take = Annotated[int, typer.Option(min=1, max=1000, help="How many to choose.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="Folder for next.csv and next.html. Default: the run, or next-NAME.",
        file_okay=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads. Default: one for each core.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the list as JSON; write no files.")]


@app.command("next")
def next_(
    places: Places,
    take: Take = TAKE,
    out: Folder = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Rank pictures without a label by how much their labels would help, with reasons.

    The models of the run answer: what they doubt and disagree on comes first, one of many
    near-copies stands for all, and pictures like nothing in the set are listed apart. Without a
    run, a typical picture of each large group comes first. Write labels into the column *label* of
    next.csv, and give the table back with `bakeoff run --labels next.csv`.

    **Examples**

    `bakeoff next runs/pets more/ --take 20` – which of more/ to label

    `bakeoff next more/` – where to begin, without any label

    `bakeoff run pets/ --unlabelled more/ --labels runs/pets/next.csv` – with the labels given
    """
    from bakeoff.next.sheet import write_next

    run, more = _told_apart(places)
    waiting, candidates = _ranked(run, more, take, threads)
    if as_json:
        print(json.dumps(_plain(waiting, candidates)))
        return
    folder = out or (run.path if run else Path(f"next-{waiting.dataset.name}"))
    given = _given(run.config) if run else ()
    table, page = write_next(folder, waiting, candidates, given)
    _show(waiting, candidates)
    if waiting.note:
        console.print(waiting.note, markup=False)
    _show_files(table, page, _how_to_go_on(run, more, table))


def waits_for_labels(config: RunConfig) -> bool:
    """Whether a run was asked for with pictures to label, or with some that were labelled."""
    return config.unlabelled is not None or bool(_given(config))


def rank_after(folder: RunFolder, take: int = TAKE) -> None:
    """Rank the pictures of a finished run that wait for a label, and write its next.csv.

    Nothing is said where none is left, or where the run left no bundles to answer.
    """
    from bakeoff.bundle.bundle import find_bundles
    from bakeoff.data.new_labels import unlabelled_rows
    from bakeoff.next.of_run import Waiting
    from bakeoff.next.sheet import write_next
    from bakeoff.run.source import read_with_unlabelled

    if not find_bundles(folder.path):
        return
    dataset = read_with_unlabelled(folder.config)
    if not unlabelled_rows(dataset):
        console.print("Every picture has a label: nothing is left to label next.")
        return
    waiting = Waiting.of(dataset)
    candidates = _of_run(folder, waiting, take, None)
    table, page = write_next(folder.path, waiting, candidates, _given(folder.config))
    _show(waiting, candidates)
    _show_files(table, page, _how_to_go_on(folder, None, table))


def _told_apart(places: Sequence[Path]) -> tuple[RunFolder | None, Path | None]:
    """The run, if one is named, and the pictures, if some are."""
    from bakeoff.record.folder import RunFolder

    runs = [path for path in places if (path / "run.json").is_file()]
    others = [path for path in places if path not in runs]
    if len(runs) > 1 or len(others) > 1:
        raise BakeoffError(
            "bakeoff next",
            f"takes one run and one source of pictures; found {len(runs)} and {len(others)}",
            "Put the pictures into one folder",
        )
    return (RunFolder.open(runs[0]) if runs else None), (others[0] if others else None)


def _ranked(
    run: RunFolder | None, more: Path | None, take: int, threads: int | None
) -> tuple[Waiting, list[Candidate]]:
    from bakeoff.data.read import read_as_found
    from bakeoff.next.of_run import Waiting, waiting_of

    if run is not None:
        waiting = waiting_of(run.config, more)
        return waiting, _of_run(run, waiting, take, threads)
    assert more is not None, "Typer asks for one place at least"
    waiting = Waiting.of(read_as_found(more, need_labels=False))
    from bakeoff.next.cold import rank_cold

    return waiting, _with_bar("looking", lambda tell: rank_cold(waiting, take, on_done=tell))


def _of_run(run: RunFolder, waiting: Waiting, take: int, threads: int | None) -> list[Candidate]:
    from bakeoff.bundle.bundle import find_bundles
    from bakeoff.next.of_run import rank_for_run

    bundles = find_bundles(run.path)
    if not bundles:
        raise BakeoffError(
            str(run.path), "has no bundles that could answer", "Run it with --bundles"
        )
    return _with_bar(
        "answering",
        lambda tell: rank_for_run(bundles, waiting, take, threads=threads, on_done=tell),
    )


def _with_bar(
    words: str, work: Callable[[Callable[[int, int], None]], list[Candidate]]
) -> list[Candidate]:
    with counted(words) as tell:
        return work(tell)


def _given(config: RunConfig) -> tuple[Correction, ...]:
    from bakeoff.data.new_labels import gives_labels

    return tuple(row for row in config.corrections if gives_labels([row]))


def _show(waiting: Waiting, candidates: Sequence[Candidate]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("label next", "guess", "why"):
        table.add_column(heading, overflow="fold")
    for candidate in candidates:
        guess = f"{candidate.guess} {candidate.probability:.0%}" if candidate.guess else ""
        row = (waiting.name(candidate), guess, "; ".join(candidate.reasons))
        table.add_row(*map(Text, row), style="dim" if candidate.stranger else None)
    console.print(table)


def _show_files(table: Path, page: Path, next_step: str) -> None:
    for line in (str(table), str(page), next_step):
        console.print(line, markup=False, soft_wrap=True)


def _how_to_go_on(run: RunFolder | None, more: Path | None, table: Path) -> str:
    source = run.config.source if run else str(more)
    beside = more if run and more else run.config.unlabelled if run else None
    command = ["bakeoff", "run", source, *(["--unlabelled", str(beside)] if beside else [])]
    return f"Fill in the column label, then: {shlex.join([*command, '--labels', str(table)])}"


def _plain(waiting: Waiting, candidates: Sequence[Candidate]) -> list[dict[str, object]]:
    return [
        {
            "name": waiting.name(candidate),
            "guess": candidate.guess or None,
            "probability": round(candidate.probability, 6) if candidate.guess else None,
            "reasons": list(candidate.reasons),
            "said": [asdict(reason.message) for reason in candidate.reasons],
            "apart": candidate.stranger,
        }
        for candidate in candidates
    ]
