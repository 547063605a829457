"""The command that shows what was understood of a source: read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bakeoff.cli.common import app, console
from bakeoff.cli.options import takes_run_options
from bakeoff.cli.train import Reading
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    import numpy as np

    from bakeoff.data.dataset import Dataset
    from bakeoff.errors import LeftOut

__all__ = ["read"]

CLASSES = 40  # shown
LEFT_OUT = 20
TILE = 12  # characters wide, and half as many lines high
ROWS = 8  # classes drawn in the terminal


@app.command()
@takes_run_options("group", "label")
def read(
    source: Annotated[str, typer.Argument(help="Anything that bakeoff run reads.")],
    sheet: Annotated[
        Path | None,
        typer.Option(help="Write a contact sheet here, as a PNG.", dir_okay=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List all classes, and all that was left out.")
    ] = False,
    **options: Any,
) -> None:
    """Show how a source is understood, without training: layout, classes, parts, what was left out.

    **Examples**

    `bakeoff read pictures/` – classes with their counts, and their first pictures in a terminal

    `bakeoff read HAM10000/ --label dx --group lesion_id --sheet sheet.png`

    `bakeoff read dogs-vs-cats/ --label '^([a-z]+)[.]'`
    """
    from bakeoff.data.read import read as read_source

    if sheet is not None and not sheet.absolute().parent.is_dir():
        raise BakeoffError(f"--sheet {sheet}", "its folder does not exist", "Make the folder")
    with Reading() as reading:
        dataset = read_source(source, progress=reading.show, **options)
    _print_layout(dataset, every)
    if sheet is not None:
        from bakeoff.bundle.contact import contact_sheet_image

        contact_sheet_image(dataset).save(sheet, "PNG")
        console.print(f"contact sheet: {sheet}", markup=False, soft_wrap=True)
    elif console.is_terminal and console.color_system in ("truecolor", "256"):
        _draw(dataset)


def _print_layout(dataset: Dataset, every: bool) -> None:
    console.print(Text(f"{dataset.name}: {dataset.description}", style="bold"))
    test = dataset.official_test
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", overflow="fold")
    table.add_column("pictures", justify="right")
    if test is not None:
        table.add_column("of these in its own test part", justify="right")
    shown = dataset.classes if every else dataset.classes[:CLASSES]
    for label, name in enumerate(shown):
        mine = dataset.labels == label
        numbers = [str(int(mine.sum()))]
        if test is not None:
            numbers.append(str(int((mine & test).sum())))
        table.add_row(Text(name), *numbers)
    console.print(table)
    if len(shown) < len(dataset.classes):
        console.print(f"… {len(dataset.classes) - len(shown)} more classes (--all lists them)")
    if dataset.groups is not None:
        sizes = [int((dataset.groups == group).sum()) for group in set(dataset.groups.tolist())]
        names = ", ".join(dataset.group_names[:8]) + (" …" if len(dataset.group_names) > 8 else "")
        spread = f"{min(sizes)} to {max(sizes)} pictures each"
        console.print(Text(f"groups: {len(dataset.group_names)}, {spread} ({names})"))
    if dataset.doubts:
        console.print(Text(f"annotators disagree: {len(dataset.doubts)} pictures"))
        for name, why in list(dataset.doubts.items())[: None if every else LEFT_OUT]:
            console.print(Text(f"  {name}: {why}"), soft_wrap=True)
    _print_left_out(dataset.left_out, every)


def _print_left_out(left_out: tuple[LeftOut, ...], every: bool) -> None:
    if not left_out:
        return
    console.print(f"left out: {len(left_out)}")
    for item in left_out if every else left_out[:LEFT_OUT]:
        console.print(Text(f"  {item}"), soft_wrap=True)
    if not every and len(left_out) > LEFT_OUT:
        console.print(f"  … {len(left_out) - LEFT_OUT} more (--all lists them)")


def _draw(dataset: Dataset) -> None:
    """The first pictures of the first classes, two pixels in each character."""
    import numpy as np

    from bakeoff.bundle.contact import first_pictures

    across = max(1, console.width // (TILE + 1))
    for label, name in enumerate(dataset.classes[:ROWS]):
        console.print(Text(name, style="bold"))
        tiles = [_tile(picture) for picture in first_pictures(dataset, label, across)]
        if not tiles:
            continue
        strip = np.concatenate(tiles, axis=1)
        for upper, lower in zip(strip[::2], strip[1::2], strict=True):
            line = Text()
            for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
                line.append("▀", style=f"rgb({_rgb(top)}) on rgb({_rgb(bottom)})")
            console.print(line)
    if len(dataset.classes) > ROWS:
        console.print(f"… {len(dataset.classes) - ROWS} more classes (--sheet FILE draws them)")


def _tile(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """TILE×(TILE+1)×3, the picture in the middle of white."""
    import numpy as np

    from bakeoff.data.image import thumbnail, to_image

    small = np.asarray(thumbnail(to_image(picture).convert("RGB"), TILE, grow="fill"))
    tile = np.full((TILE, TILE + 1, 3), 255, dtype=np.uint8)
    top, left = (TILE - small.shape[0]) // 2, (TILE - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    return tile


def _rgb(pixel: list[int]) -> str:
    return ",".join(map(str, pixel))
