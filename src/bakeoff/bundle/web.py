"""Bundles as a static folder: the page and the graphs, which run in the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import quote

from bakeoff.bundle.bundle import GRAPH, MANIFEST, read_bundle, run_of_bundle
from bakeoff.bundle.examples import examples_of
from bakeoff.bundle.panel import name_bundles
from bakeoff.bundle.teaching import FEATURES_FILE, LESSONS_FILE, features_graph, lessons_of
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_folder

__all__ = ["export_web"]

INDEX = "index.html"
LIST = "models.json"
EXAMPLES = "examples.json"
MODELS = "models"
# Without this file GitHub Pages runs Jekyll, which leaves out files that begin with "_".
NO_JEKYLL = ".nojekyll"


def export_web(
    bundles: Sequence[Path], out: Path, *, teachable: bool = False, examples: bool | None = None
) -> list[str]:
    """Write a folder that any static host can serve, and return the names of its models.

    It contains the page with its assets, ``models/NAME/`` with the graph and `bundle.json` of each
    model, and `models.json`, which lists them: ``{"name", "title", "manifest", "graph"}``, the
    last two as relative URLs. A model that can be taught more also has ``"lessons"`` and
    ``"features"``. `examples.json` has pictures to try: ``{"label", "picture", "locked"}``; see
    `ExamplePicture`. The folder appears atomically and replaces an older one.

    Parameters
    ----------
    bundles : folders, ``.bakeoff`` files, or runs, which stand for all of their bundles.
    out : the folder.
    teachable : visitors can teach more classes and pictures to what a run trained in closed form.
    examples : whether visitors see up to eight small pictures of the set; None for those of runs
        on a named set, as people's own may be private.

    Raises
    ------
    BakeoffError
        A bundle cannot be read, none can be taught or there is no picture though that is wanted,
        there is something else at `out`, or this installation has no page.
    """
    out = out.expanduser().resolve()
    named = name_bundles(bundles)
    written = dict(_page()) | {NO_JEKYLL: b""}
    _check_replaceable(out, {name.partition("/")[0] for name in written} | {LIST, EXAMPLES, MODELS})
    listed = []
    for name, path in named.items():
        manifest, parts = read_bundle(path)
        place = f"{MODELS}/{name}"
        written |= {f"{place}/{file}": data for file, data in parts.items()}
        # Not the file as it was found: the page reads the current schema.
        written[f"{place}/{MANIFEST}"] = manifest.model_dump_json(indent=1).encode()
        files = {"manifest": MANIFEST, "graph": GRAPH}
        if teachable and (lessons := lessons_of(path)):
            files |= {"lessons": LESSONS_FILE, "features": FEATURES_FILE}
            written[f"{place}/{LESSONS_FILE}"] = lessons
            written[f"{place}/{FEATURES_FILE}"] = features_graph(parts[GRAPH])
        addresses = {key: quote(f"{place}/{file}") for key, file in files.items()}
        listed.append({"name": name, "title": manifest.title, **addresses})
    if teachable and not any("lessons" in one for one in listed):
        raise BakeoffError(
            "the page",
            "would have no model that can be taught more",
            "Name a run with scattering on up to 1 000 pictures, made with this version",
        )
    runs = {run.path: run for path in named.values() if (run := run_of_bundle(path))}
    shown = [asdict(example) for example in examples_of([*runs.values()], examples)]
    for file, content in ((LIST, listed), (EXAMPLES, shown)):
        written[file] = json.dumps(content, indent=1, ensure_ascii=False).encode()
    write_folder(out, written, replace=True)
    return list(named)


def _built() -> Traversable:
    """Where the build puts the page that needs no server."""
    return files("bakeoff") / "web" / "browser"


def _page() -> Iterator[tuple[str, bytes]]:
    folder = _built()
    if not (folder / INDEX).is_file():
        raise BakeoffError(
            "the page",
            "is not built in this source tree",
            "Install bakeoff from a wheel, or build it with: pip install --editable .",
        )
    yield from _files(folder, "")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Every file in a folder and its subfolders, with its path."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _check_replaceable(out: Path, ours: set[str]) -> None:
    """Refuse to replace another kind of folder, or one with foreign files in it, such as .git."""
    if out.is_dir():
        inside = {path.name for path in out.iterdir()}
        foreign = sorted(inside - ours)
        if not inside or (not foreign and {INDEX, LIST} <= inside):
            return
        contents = f"contains {foreign[0]}" if foreign else "is not a page exported by bakeoff"
        raise BakeoffError(str(out), f"exists and {contents}", "Choose another --out")
    if out.exists():
        raise BakeoffError(str(out), "exists and is a file", "Choose another --out")
