"""What `bakeoff export` can make of bundles: a table to which other packages can add."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakeoff.errors import BakeoffError
from bakeoff.plugins import load_plugin, plugins
from bakeoff.record.whole import write_file, write_folder

# The functions import what they need when they are called: the command line reads this table for
# its help text.

__all__ = ["EXPORTERS", "Exporter", "exporter_names", "find_exporter", "write_web"]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format of `bakeoff export --to NAME`.

    Another package adds one through the entry point group ``bakeoff.exporters``: the name of the
    entry point is the name of the format, and its object is an `Exporter`.

    Attributes
    ----------
    makes : what it writes, for the help text.
    write : writes bundles (folders or ``.bakeoff`` files) to a path; returns further lines for
        the terminal. It raises `BakeoffError` where it refuses.
    several : whether it takes any number of bundles as they are, or a single one.
    """

    makes: str
    write: Callable[[Sequence[Path], Path], Sequence[str]]
    several: bool = False


def _write_bundle(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.bundle import MANIFEST, load
    from bakeoff.bundle.pack import SUFFIX, pack

    (folder,) = bundles
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise BakeoffError(str(out), "exists and is not a bundle", "Choose another --out")
    if not folder.is_dir():
        raise BakeoffError(str(folder), "is packed already", "Name the bundle's folder or its run")
    load(folder)  # refuses a damaged one
    if out.suffix == SUFFIX and not out.is_dir():
        pack(folder, out)
    elif out.resolve() != folder.resolve():
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        write_folder(out, files, replace=True)
    return []


def _write_onnx(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.bundle import GRAPH, read_bundle

    (bundle,) = bundles
    if out.is_dir() or (out.exists() and out.suffix != ".onnx"):
        raise BakeoffError(str(out), "exists and is not an ONNX file", "Choose another --out")
    manifest, files = read_bundle(bundle)
    write_file(out, files[GRAPH])
    return [f"classes: {', '.join(manifest.classes)}"]


def write_web(
    bundles: Sequence[Path], out: Path, *, teachable: bool = False, examples: bool | None = None
) -> Sequence[str]:
    """Write a page for any static host; see `export_web`."""
    from bakeoff.bundle.web import export_web

    names = export_web(bundles, out, teachable=teachable, examples=examples)
    command = f"python -m http.server -d {shlex.quote(str(out))}"
    return [f"models: {', '.join(names)}", f"try it: {command}"]


def _write_fixed(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.conversions import write_fixed

    return write_fixed(bundles, out)


def _write_openvino(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.conversions import write_openvino

    return write_openvino(bundles, out)


def _write_litert(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.conversions import write_litert

    return write_litert(bundles, out)


def _write_coreml(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.conversions import write_coreml

    return write_coreml(bundles, out)


def _write_hub(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    from bakeoff.bundle.hub import write_hub

    return write_hub(bundles, out)


EXPORTERS: dict[str, Exporter] = {
    "bundle": Exporter("a folder, or one file if --out ends in .bakeoff", _write_bundle),
    "onnx": Exporter("the ONNX graph alone, from raw pixels to probabilities", _write_onnx),
    "fixed": Exporter("the ONNX graph for one picture of one size", _write_fixed),
    "openvino": Exporter("an .xml and a .bin for OpenVINO", _write_openvino),
    "litert": Exporter("a .tflite for pictures of one size", _write_litert),
    "coreml": Exporter("an .mlpackage for images of one size", _write_coreml),
    "hub": Exporter("a folder that the Hugging Face Hub renders", _write_hub),
    "web": Exporter(
        "a page for any static host that classifies in the browser", write_web, several=True
    ),
}


def exporter_names() -> list[str]:
    """Every format: bakeoff's own, then those of other packages."""
    return [*EXPORTERS, *(name for name in plugins("exporters") if name not in EXPORTERS)]


def find_exporter(name: str) -> Exporter:
    """The format of that name, from the table or from another package.

    Raises
    ------
    BakeoffError
        There is none, or the package that adds it is broken.
    """
    if name in EXPORTERS:
        return EXPORTERS[name]
    if name not in plugins("exporters"):
        raise BakeoffError(
            f"--to {name}", "is not a known format", f"Use {', '.join(exporter_names())}"
        )
    exporter = load_plugin("exporters", name)
    if not isinstance(exporter, Exporter):
        raise BakeoffError(
            f"plug-in {name}", "is not an Exporter", "Update or uninstall the package that adds it"
        )
    return exporter
