"""A graph as other tools convert it, each in a process of its own.

They may need other versions of packages than bakeoff does. This file needs the converter, onnx,
NumPy and torch.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.converters import to_coreml, to_litert
from bakeoff.bundle.runtimes import ANSWERS, GRAPH, PICTURES, python_with, run_apart
from bakeoff.errors import BakeoffError

__all__ = ["Converted", "convert"]

WORDS, RESULT = "words.json", "converted"
TOOLS = {
    "litert": ("litert_torch", "litert-torch onnx", True),  # and whether it needs its own Python
    "coreml": ("coremltools", "coremltools", False),
}


@dataclass(frozen=True)
class Converted:
    """What a converter wrote.

    Attributes
    ----------
    files : by their path; a single one has the path "".
    answers : of the torch module that was converted, K probabilities for each picture.
    """

    files: dict[str, bytes]
    answers: list[NDArray[np.float32]]


def convert(
    name: str, graph: bytes, pictures: list[NDArray[np.uint8]], words: dict[str, Any]
) -> Converted:
    """A fixed graph in the format of another runtime.

    Parameters
    ----------
    name : "litert" or "coreml".
    graph : as `fixed_graph` makes it.
    pictures : of that one size, H×W×C each.
    words : "classes" and "about", for formats that keep them.

    Raises
    ------
    BakeoffError
        The converter is not installed, or fails.
    """
    module, package, apart = TOOLS[name]
    python = python_with(f"--to {name}", module, package, apart=apart)
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        folder = Path(scratch)
        (folder / GRAPH).write_bytes(graph)
        (folder / WORDS).write_text(json.dumps(words))
        np.savez(folder / PICTURES, *pictures)
        reason = run_apart(__spec__.name, name, scratch, python=python)
        result = folder / RESULT
        if reason or not result.exists():
            hint = "Use --to onnx, or another version of the converter"
            raise BakeoffError(
                f"--to {name}", f"{package.split()[0]} does not convert it ({reason})", hint
            )
        paths = sorted(result.rglob("*")) if result.is_dir() else [result]
        files = {
            "" if path == result else path.relative_to(result).as_posix(): path.read_bytes()
            for path in paths
            if path.is_file()
        }
        with np.load(folder / ANSWERS, allow_pickle=False) as file:
            return Converted(files, [file[f"arr_{row}"] for row in range(len(pictures))])


def _convert(name: str, folder: Path) -> None:
    """The work of the other process."""
    import torch

    from bakeoff.bundle.torch_graph import TorchGraph

    graph, result = (folder / GRAPH).read_bytes(), folder / RESULT
    network = TorchGraph(graph, sorts=name != "litert").eval()
    with np.load(folder / PICTURES, allow_pickle=False) as file:
        pictures = [file[f"arr_{row}"] for row in range(len(file.files))]
    with torch.inference_mode():
        answers = [network(torch.from_numpy(each[None]))[0][0].numpy() for each in pictures]
    np.savez(folder / ANSWERS, *answers)
    if name == "litert":
        to_litert(graph, result)
    else:
        package = folder / f"{RESULT}.mlpackage"  # it takes no other ending
        to_coreml(graph, package, json.loads((folder / WORDS).read_text()))
        package.rename(result)


if __name__ == "__main__":
    _convert(sys.argv[1], Path(sys.argv[2]))
