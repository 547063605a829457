"""Bundles as a static folder: the page and the graphs, to be run by the browser alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import quote

from bakeoff.bundle.bundle import GRAPH, MANIFEST, read_bundle
from bakeoff.bundle.panel import name_bundles
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_folder

__all__ = ["export_web"]

INDEX = "index.html"
LIST = "models.json"
MODELS = "models"
# GitHub Pages leaves out what its own site builder takes for private, unless this is there.
AS_IT_IS = ".nojekyll"


def export_web(bundles: Sequence[Path], out: Path) -> list[str]:
    """Write a folder that any static host can serve, whole or not at all, and name its models.

    It holds the page with its parts, ``models/NAME/`` with the graph and `bundle.json` of each,
    and `models.json`, which lists them: ``{"name", "title", "manifest", "graph"}``, the last two
    as addresses from the folder. An older such folder is replaced.

    Parameters
    ----------
    bundles : folders, ``.bakeoff`` files, or runs, of which every bundle takes part.
    out : the folder.

    Raises
    ------
    BakeoffError
        A bundle cannot be read, there is something else at `out`, or this install has no page.
    """
    out = out.expanduser().resolve()
    named = name_bundles(bundles)
    written = dict(_page()) | {AS_IT_IS: b""}
    _check_replaceable(out, {name.partition("/")[0] for name in written} | {LIST, MODELS})
    listed = []
    for name, path in named.items():
        manifest, parts = read_bundle(path)
        place = f"{MODELS}/{name}"
        written |= {f"{place}/{file}": data for file, data in parts.items()}
        listed.append(
            {
                "name": name,
                "title": manifest.title,
                "manifest": quote(f"{place}/{MANIFEST}"),
                "graph": quote(f"{place}/{GRAPH}"),
            }
        )
    written[LIST] = json.dumps(listed, indent=1, ensure_ascii=False).encode()
    write_folder(out, written, replace=True)
    return list(named)


def _built() -> Traversable:
    """Where the build of this install puts the page that runs in the browser alone."""
    return files("bakeoff") / "web" / "browser"


def _page() -> Iterator[tuple[str, bytes]]:
    folder = _built()
    if not (folder / INDEX).is_file():
        raise BakeoffError(
            "the page",
            "is not built",
            "pip install bakeoff from a wheel, or pip install -e . in the source tree, "
            "which builds it",
        )
    yield from _files(folder, "")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Every file in a folder and those below, by its path."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _files(one, f"{prefix}{one.name}/")
        else:
            yield f"{prefix}{one.name}", one.read_bytes()


def _check_replaceable(out: Path, ours: set[str]) -> None:
    """Refuse to replace what is no such folder, or what somebody put into one, such as .git."""
    if out.is_dir():
        inside = {one.name for one in out.iterdir()}
        foreign = sorted(inside - ours)
        if not inside or (not foreign and {INDEX, LIST} <= inside):
            return
        problem = f"is there already and holds {foreign[0]}" if foreign else "is there already"
        raise BakeoffError(
            str(out), f"{problem}, so it is no page to replace", "Choose another --out"
        )
    if out.exists():
        raise BakeoffError(str(out), "is there already and is a file", "Choose another --out")
