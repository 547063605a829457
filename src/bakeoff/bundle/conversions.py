"""Bundles in the formats of other runtimes, checked on the golden pictures before they are kept."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.bundle import GRAPH, read_bundle
from bakeoff.bundle.converted import convert
from bakeoff.bundle.fixed import fixed_graph, fixed_pictures, fixed_shape
from bakeoff.bundle.manifest import Manifest
from bakeoff.bundle.runtimes import RUNTIMES, answers_of, import_openvino
from bakeoff.data.decode import decode
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_file, write_folder

__all__ = [
    "CLOSE",
    "difference_in",
    "write_coreml",
    "write_fixed",
    "write_litert",
    "write_openvino",
]

CLOSE = 1e-4  # of a probability: other runtimes sum in another order


def difference_in(runtime: str, manifest: Manifest, graph: bytes) -> float:
    """The largest difference of a golden picture's probabilities in another runtime.

    Runtimes for one size get the pictures in that size, and are compared with ONNX Runtime.

    Raises
    ------
    BakeoffError
        The runtime is unknown, not installed, or does not run the graph.
    """
    pictures = _golden(manifest)
    expected = [np.asarray(golden.probabilities) for golden in manifest.golden]
    if runtime in RUNTIMES and RUNTIMES[runtime].fixed:
        shape = fixed_shape(graph)
        pictures = fixed_pictures(pictures, shape)
        expected = [np.asarray(answer) for answer in answers_of("onnxruntime", graph, pictures)]
        graph = fixed_graph(graph, shape)
    return _apart(expected, answers_of(runtime, graph, pictures))


def write_fixed(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    """The graph for one picture of the size of the network's input, as ONNX."""
    (bundle,) = bundles
    _refuse_other(out, ".onnx")
    one = _OneSize(bundle)
    difference = _apart(one.expected, answers_of("onnxruntime", one.graph, one.pictures))
    _refuse_different("fixed", difference)
    write_file(out, one.graph)
    return one.lines


def write_openvino(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    """OpenVINO's two files, ``NAME.xml`` and ``NAME.bin``."""
    (bundle,) = bundles
    _refuse_other(out, ".xml")
    try:
        openvino = import_openvino()
    except ImportError:
        raise BakeoffError("--to openvino", "needs OpenVINO", "pip install openvino") from None
    manifest, files = read_bundle(bundle)
    difference = difference_in("openvino", manifest, files[GRAPH])
    _refuse_different("openvino", difference)
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        graph, converted = Path(scratch, GRAPH), Path(scratch, "model.xml")
        graph.write_bytes(files[GRAPH])
        openvino.save_model(openvino.convert_model(graph), converted, compress_to_fp16=False)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_file(out.with_suffix(".bin"), converted.with_suffix(".bin").read_bytes())
        write_file(out, converted.read_bytes())
    return [
        f"golden pictures: {difference:.1e} off in a probability",
        f"classes: {', '.join(manifest.classes)}",
    ]


def write_litert(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    """A ``.tflite`` for pictures of one size, checked where it was converted."""
    (bundle,) = bundles
    _refuse_other(out, ".tflite")
    one = _OneSize(bundle)
    converted = convert("litert", one.graph, one.pictures, {})
    data = converted.files[""]
    difference = _apart(one.expected, answers_of("litert", data, one.pictures))
    _refuse_different("litert", difference)
    write_file(out, data)
    return [f"golden pictures: {difference:.1e} off in a probability", *one.lines]


def write_coreml(bundles: Sequence[Path], out: Path) -> Sequence[str]:
    """An ``.mlpackage`` for images of one size. Core ML runs on Apple's systems only.

    What was converted is compared, and the file says that its own answers were not.
    """
    (bundle,) = bundles
    if out.suffix != ".mlpackage":
        raise BakeoffError(str(out), "does not end in .mlpackage", "Add .mlpackage to --out")
    one = _OneSize(bundle)
    about = f"{one.manifest.title}, from bakeoff. Its answers in Core ML were not compared."
    words = {"classes": one.manifest.classes, "about": about}
    converted = convert("coreml", one.graph, one.pictures, words)
    difference = _apart(one.expected, converted.answers)
    _refuse_different("coreml", difference)
    write_folder(out, converted.files, replace=(out / "Manifest.json").is_file())
    line = f"before Core ML's conversion: {difference:.1e} off in a probability; not run in Core ML"
    return [line, *one.lines]


class _OneSize:
    """A bundle's graph for one size, with its golden pictures and the right answers."""

    def __init__(self, bundle: Path) -> None:
        self.manifest, files = read_bundle(bundle)
        shape = fixed_shape(files[GRAPH])
        self.graph = fixed_graph(files[GRAPH], shape)
        self.pictures = fixed_pictures(_golden(self.manifest), shape)
        self.expected = answers_of("onnxruntime", files[GRAPH], self.pictures)
        size = "×".join(map(str, (1, *shape)))
        classes = ", ".join(self.manifest.classes)
        self.lines = [f"input: pixels, {size} of uint8", f"classes: {classes}"]


def _golden(manifest: Manifest) -> list[NDArray[np.uint8]]:
    return [decode(b64decode(golden.png), "golden picture") for golden in manifest.golden]


def _apart(
    expected: Sequence[NDArray[np.floating]], answers: Sequence[NDArray[np.floating]]
) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(expected, answers, strict=True))


def _refuse_other(out: Path, suffix: str) -> None:
    if out.suffix != suffix:
        raise BakeoffError(str(out), f"does not end in {suffix}", f"Add {suffix} to --out")
    if out.is_dir():
        raise BakeoffError(str(out), "is a folder", "Choose another --out")


def _refuse_different(name: str, difference: float) -> None:
    if not difference <= CLOSE:
        problem = f"answers differ by {difference:.1e}; {CLOSE:.0e} is allowed"
        raise BakeoffError(f"--to {name}", problem, "Use --to onnx, which has the trained answers")
