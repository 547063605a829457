"""The commands that use a trained model: predict, verify, export."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from bakeoff.cli.common import app, console
from bakeoff.cli.options import Shown
from bakeoff.errors import BakeoffError

__all__ = ["export", "predict", "verify"]


class To(StrEnum):
    """Where bundles are carried to."""

    web = "web"


class Variant(StrEnum):
    """Smaller weights."""

    fp16 = "fp16"
    int8 = "int8"


@app.command()
def predict(
    things: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE... FILE...",
            help="Bundles or runs, then pictures: files, folders, a CSV of pixels, a zip.",
        ),
    ],
    csv: Annotated[
        Path | None, typer.Option(help="Write all answers to this file.", dir_okay=False)
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="So many likeliest classes of each.")] = 1,
    explain: Annotated[
        Path | None,
        typer.Option(
            help="Draw into this folder, a PNG for each picture, what mattered to each model, what "
            "it saw, and the training pictures most like it if the bundle has some.",
            file_okay=False,
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. Default: one for each core.")
    ] = None,
) -> None:
    """Name pictures with one or several bundles, side by side.

    Each answer says whether to believe it: *sure*, *between* several classes, or *none of
    these* for a picture unlike all that the model learned from.

    **Examples**

    `bakeoff predict runs/digits/bundles/cnn seven.png`

    `bakeoff predict runs/digits pictures/ --csv answers.csv --top 3` – every model of a run

    `bakeoff predict runs/digits seven.png --explain why/` – and what each looked at
    """
    from bakeoff.bundle.bundle import find_bundles
    from bakeoff.bundle.inputs import gather
    from bakeoff.bundle.panel import Panel, answers_table
    from bakeoff.screen import answers_shown

    bundles = [one for one in things if find_bundles(one)]
    files = [str(one) for one in things if one not in bundles]
    if not files:
        raise BakeoffError(
            "bakeoff predict", "no pictures were named", "Name files or folders after the bundle"
        )
    panel = Panel(bundles, threads=threads)
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("naming", total=None)
        inputs = gather(files)
        answers = panel.answer(
            inputs, on_done=lambda done, of: progress.update(bar, completed=done, total=of)
        )
        if explain is not None:
            bar = progress.add_task("drawing", total=len(inputs.names))
            for _ in panel.draw(inputs, answers, explain):
                progress.advance(bar)
    console.print(answers_shown(answers, top))
    for one in next(iter(answers.values())).left_out:
        console.print(f"left out: {one}", markup=False)
    if csv is not None:
        csv.write_text(answers_table(answers, top), encoding="utf-8", newline="")
        console.print(f"answers: {csv}", markup=False)
    if explain is not None:
        console.print(f"explanations: {explain}", markup=False)


@app.command()
def verify(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles, or runs with bundles.")
    ],
) -> None:
    """Check that a bundle is whole and answers here as where it was made.

    **Example**

    `bakeoff verify runs/digits/bundles/cnn`
    """
    from bakeoff.bundle.panel import Panel

    for name, bundle in Panel(bundles).bundles.items():
        found = bundle.verify()
        console.print(
            f"{name}: {found.pictures} golden pictures, probabilities at most {found.off:.1e} off, "
            f"{found.milliseconds:.1f} ms a picture",
        )
        if not found.same:
            raise BakeoffError(
                name, "answers differently here", "Update onnxruntime, or export the bundle again"
            )


@app.command()
def export(
    things: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|BUNDLE...",
            help="The folder that a run left. With --to web: runs or bundles, as many as you like.",
        ),
    ],
    approach: Annotated[
        str | None, typer.Option("--approach", "-a", help="Which. Default: the winner.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A folder, or a file that ends in .bakeoff. Default: in the run."
        ),
    ] = None,
    to: Annotated[
        To | None,
        typer.Option(help="web: a folder with a page that names pictures in the browser alone."),
    ] = None,
    variant: Annotated[
        Variant | None,
        typer.Option(
            help="Keep the weights in fewer bits, if 99.9 % of the run's pictures then get the "
            "same class."
        ),
    ] = None,
    neighbours: Shown = False,
) -> None:
    """Make the bundle of an approach again from its weights, to carry away, or a page of bundles.

    **Examples**

    `bakeoff export runs/digits` – the winner, to runs/digits/bundles/

    `bakeoff export runs/digits --approach vit --out digits.bakeoff` – one file

    `bakeoff export runs/digits --approach cnn --variant int8` – a quarter of the size

    `bakeoff export runs/digits --to web --out site` – a page for any static host; try it with
    `python -m http.server -d site`
    """
    if to is To.web:
        _export_web(things, out, bool(approach or variant or neighbours))
        return
    from bakeoff.record.folder import RunFolder
    from bakeoff.run.bundles import make_bundle, winner_of

    if len(things) > 1:
        raise BakeoffError(
            "bakeoff export",
            f"{len(things)} were named, and a bundle is made of one run",
            "Name one run, or add --to web",
        )
    folder = RunFolder.open(things[0])
    path = make_bundle(
        folder,
        approach or winner_of(folder),
        out,
        variant=variant.value if variant else None,
        neighbours=neighbours,
    )
    console.print(f"bundle: {path}", markup=False, soft_wrap=True)


def _export_web(things: list[Path], out: Path | None, changed: bool) -> None:
    from bakeoff.bundle.web import export_web

    if changed:
        raise BakeoffError(
            "--to web",
            "takes bundles as they are, without --approach, --variant or --with-neighbours",
            "Make such a bundle first, then name it",
        )
    if out is None:
        raise BakeoffError("--to web", "wants a folder to write", "Add --out site")
    names = export_web(things, out)
    console.print(f"models: {', '.join(names)}", markup=False, soft_wrap=True)
    console.print(f"page: {out}", markup=False, soft_wrap=True)
    console.print(
        f"try it: python -m http.server -d {shlex.quote(str(out))}", markup=False, soft_wrap=True
    )
