"""The commands that use a trained model: predict, verify, export."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bakeoff.bundle.exporters import EXPORTERS, Exporter, exporter_names, find_exporter
from bakeoff.cli.common import app, console, counted
from bakeoff.cli.options import WithNeighbours
from bakeoff.cli.own_bundle import is_bundle, own_bundle
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.bundle.inputs import Inputs
    from bakeoff.bundle.panel import Panel, SideBySide

__all__ = ["export", "predict", "verify"]


class Variant(StrEnum):
    """Smaller weights."""

    fp16 = "fp16"
    int8 = "int8"


BundlesAndPictures = Annotated[
    list[Path],
    typer.Argument(
        metavar="BUNDLE... FILE...",
        help="Bundles or runs, then pictures: files, folders, a CSV of pixels, a zip.",
    ),
]
AnswersFile = Annotated[
    Path | None, typer.Option(help="Write all answers to this file.", dir_okay=False)
]
Top = Annotated[int, typer.Option(min=1, help="How many of the likeliest classes to show.")]
ExplainFolder = Annotated[
    Path | None,
    typer.Option(
        help="Draw into this folder, a PNG for each picture, what mattered to each model, what "
        "it saw, and the training pictures most like it if the bundle has some.",
        file_okay=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads. Default: one for each core.")
]


@app.command()
def predict(
    things: BundlesAndPictures,
    csv: AnswersFile = None,
    top: Top = 1,
    explain: ExplainFolder = None,
    threads: Threads = None,
) -> None:
    """Name pictures with one or several bundles, side by side.

    Each answer says whether to believe it: *sure*, *between* several classes, or *none of
    these* for a picture unlike all that the model learned from. A note says if the pictures
    together are of another kind than those that it learned from.

    **Examples**

    `bakeoff predict runs/digits/bundles/cnn seven.png`

    `bakeoff predict runs/digits pictures/ --csv answers.csv --top 3` – every model of a run

    `bakeoff predict runs/digits seven.png --explain why/` – and what each answer rests on
    """
    from bakeoff.bundle.bundle import find_bundles
    from bakeoff.bundle.drift import drift_words
    from bakeoff.bundle.lettering import can_write
    from bakeoff.bundle.panel import Panel, answers_table
    from bakeoff.screen import answers_shown

    bundles = [path for path in things if find_bundles(path)]
    files = [str(path) for path in things if path not in bundles]
    if not files:
        raise BakeoffError(
            "bakeoff predict", "no pictures were named", "Name files or folders after the bundle"
        )
    panel = Panel(bundles, threads=threads)
    inputs, answers = _answered(panel, files, explain)
    console.print(answers_shown(answers, top))
    for left_out in inputs.left_out:
        console.print(f"left out: {left_out}", markup=False)
    for note in inputs.notes:
        console.print(f"note: {note}", markup=False)
    if alarm := drift_words(panel.drift(answers)):
        console.print(f"note: {alarm}", markup=False, style="yellow")
    if csv is not None:
        csv.write_text(answers_table(answers, top), encoding="utf-8", newline="")
        console.print(f"answers: {csv}", markup=False)
    if explain is not None:
        console.print(f"explanations: {explain}", markup=False)
        classes = (name for bundle in panel.bundles.values() for name in bundle.classes)
        if not all(map(can_write, (*inputs.names, *classes))):
            console.print(
                "Letters that no font here has are written as numbers. Chinese, Japanese and "
                "Korean: pip install 'bakeoff[cjk]'",
                markup=False,
            )


def _answered(panel: Panel, files: list[str], explain: Path | None) -> tuple[Inputs, SideBySide]:
    """The answers to the pictures of these files; explanations are drawn into a folder."""
    from bakeoff.bundle.inputs import gather

    with counted("naming") as tell:
        inputs = gather(files)
        answers = panel.answer(inputs, on_done=tell)
    if explain is not None:
        with counted("drawing") as tell:
            for done, _ in enumerate(panel.draw(inputs, answers, explain), start=1):
                tell(done, len(inputs.names))
    return inputs, answers


@app.command()
def verify(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles, or runs with bundles.")
    ],
    runtime: Annotated[
        str | None,
        typer.Option(help="Run it elsewhere: openvino, mnn, tract; opencv, litert (one size)."),
    ] = None,
) -> None:
    """Check that a bundle is whole and gives the same answers here as where it was made.

    **Examples**

    `bakeoff verify runs/digits/bundles/cnn`

    `bakeoff verify runs/digits/bundles/cnn --runtime openvino` – whether OpenVINO agrees
    """
    if runtime is not None:
        _verify_in(runtime, bundles)
        return
    from bakeoff.bundle.panel import Panel

    for name, bundle in Panel(bundles).bundles.items():
        check = bundle.verify()
        console.print(
            f"{name}: {check.pictures} golden pictures, probabilities at most "
            f"{check.max_difference:.1e} off, {check.milliseconds:.1f} ms a picture",
        )
        if not check.same:
            raise BakeoffError(
                name, "answers differently here", "Update onnxruntime, or export the bundle again"
            )


def _verify_in(runtime: str, bundles: list[Path]) -> None:
    """Compare another runtime's answers with those that each bundle records."""
    from bakeoff.bundle.bundle import GRAPH, read_bundle
    from bakeoff.bundle.conversions import CLOSE, difference_in
    from bakeoff.bundle.panel import name_bundles

    for name, path in name_bundles(bundles).items():
        manifest, files = read_bundle(path)
        difference = difference_in(runtime, manifest, files[GRAPH])
        console.print(
            f"{name}: {len(manifest.golden)} golden pictures in {runtime}, probabilities at most "
            f"{difference:.1e} off",
        )
        if not difference <= CLOSE:
            hint = f"Use another version of {runtime}, or onnxruntime"
            raise BakeoffError(name, f"answers differently in {runtime}", hint)


def _formats() -> str:
    """The help text of --to, from the table of exporters."""
    known = "; ".join(f"{name}: {exporter.makes}" for name, exporter in EXPORTERS.items())
    added = ", ".join(name for name in exporter_names() if name not in EXPORTERS)
    return f"{known}. From other packages: {added}." if added else f"{known}."


Exported = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN|BUNDLE...",
        help="The folder of a run, or bundles. `--to web` takes any number.",
    ),
]
OneApproach = Annotated[
    str | None, typer.Option("--approach", "-a", help="Which approach. Default: the winner.")
]
Destination = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="The file or folder to write. Default for bundles: in the run."
    ),
]
Format = Annotated[str, typer.Option(metavar="FORMAT", help=_formats())]
WhichVariant = Annotated[
    Variant | None,
    typer.Option(
        help="Store the weights in fewer bits, if the answer stays the same for 99.9 % of the "
        "run's pictures."
    ),
]
Teachable = Annotated[
    bool,
    typer.Option(
        "--teachable",
        help="With --to web: visitors can teach a model of scattering more classes and pictures. "
        "Contains features of up to 1 000 training pictures, 8 kB each, from which their rough "
        "look can be guessed.",
    ),
]
WithExamples = Annotated[
    bool | None,
    typer.Option(
        "--examples/--no-examples",
        help="With --to web: visitors can try the models on up to eight small pictures of the set, "
        "and so see them. Default: those of a named set are shown, your own are not.",
        show_default=False,
    ),
]


@app.command()
def export(
    sources: Exported,
    approach: OneApproach = None,
    out: Destination = None,
    to: Format = "bundle",
    variant: WhichVariant = None,
    neighbours: WithNeighbours = False,
    teachable: Teachable = False,
    examples: WithExamples = None,
) -> None:
    """Export a trained approach as a bundle, an ONNX graph or a web page.

    **Examples**

    `bakeoff export runs/digits` – the winner, to runs/digits/bundles/

    `bakeoff export runs/digits --approach vit --out digits.bakeoff` – one file

    `bakeoff export runs/digits --approach cnn --variant int8` – a quarter of the size

    `bakeoff export runs/digits --to onnx --out digits.onnx` – the graph alone

    `bakeoff export runs/digits --to web --out site` – a page for any static host
    """
    exporter = find_exporter(to)
    if out is None and to != "bundle":
        raise BakeoffError(f"--to {to}", "needs a path to write to", "Add --out PATH")
    if len(sources) > 1 and not exporter.several:
        raise BakeoffError(
            "bakeoff export", f"--to {to} takes one run; found {len(sources)}", "Name one run"
        )
    if teachable or examples is not None:
        exporter = _page_with(to, teachable, examples)
    changed = bool(approach or variant or neighbours)
    if not exporter.several and (changed or not is_bundle(sources[0])):
        _export_run(exporter, to, sources[0], out, approach, variant, neighbours)
        return
    if changed:
        raise BakeoffError(
            f"--to {to}",
            "takes bundles as they are, without --approach, --variant or --with-neighbours",
            "Export such a bundle first, then name it",
        )
    _written(exporter, to, sources, out)


def _page_with(to: str, teachable: bool, examples: bool | None) -> Exporter:
    """The exporter of pages that can be taught more, or with a choice of example pictures."""
    from bakeoff.bundle.exporters import write_web

    if to != "web":
        option = "--teachable" if teachable else "--examples" if examples else "--no-examples"
        raise BakeoffError(option, f"means nothing with --to {to}", "Use it with --to web")
    return replace(EXPORTERS[to], write=partial(write_web, teachable=teachable, examples=examples))


def _export_run(
    exporter: Exporter,
    to: str,
    run: Path,
    out: Path | None,
    approach: str | None,
    variant: Variant | None,
    neighbours: bool,
) -> None:
    """Export a bundle of a run; without `out`, make the run's own again."""
    from bakeoff.record.folder import RunFolder

    folder = RunFolder.open(run)
    kind: Literal["fp16", "int8"] | None = variant.value if variant else None
    if out is not None:
        with own_bundle(folder, approach, variant=kind, neighbours=neighbours) as bundle:
            _written(exporter, to, [bundle], out)
        return
    from bakeoff.run.bundles import make_bundle

    name = approach or folder.winner()
    path = make_bundle(folder, name, variant=kind, neighbours=neighbours)
    console.print(f"bundle: {path}", markup=False, soft_wrap=True)


def _written(exporter: Exporter, to: str, bundles: list[Path], out: Path | None) -> None:
    if out is None:
        raise BakeoffError(str(bundles[0]), "is a bundle already", "Add --out PATH")
    lines = exporter.write(bundles, out)
    for line in (f"{to}: {out}", *lines):
        console.print(line, markup=False, soft_wrap=True)
