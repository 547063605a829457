"""Conversions by tools that take torch's graphs, each in a process of its own.

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

from bakeoff.bundle.runtimes import ANSWERS, GRAPH, PICTURES, python_with, run_apart
from bakeoff.errors import BakeoffError

__all__ = ["Converted", "convert", "to_coreml", "to_litert"]

WORDS, RESULT = "words.json", "converted"
TOOLS = {"litert": ("litert_torch", "litert-torch onnx", True), "coreml": ("coremltools",) * 2}


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
    module, package, *apart = TOOLS[name]
    python = python_with(f"--to {name}", module, package, apart=bool(apart))
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


def to_litert(graph: bytes, out: Path) -> None:
    """Write a ``.tflite`` with the input ``pixels``, of uint8."""
    import litert_torch
    import torch
    from torch import Tensor, nn

    from bakeoff.bundle.torch_graph import TorchGraph

    class Named(nn.Module):
        """With the names that the ONNX graph has."""

        def __init__(self) -> None:
            super().__init__()
            # LiteRT 2.3 has no sorting, although its converter emits it.
            self.answer = TorchGraph(graph, sorts=False)

        def forward(self, pixels: Tensor) -> dict[str, Tensor]:
            probabilities, ood_score, *_ = self.answer(pixels)
            return {"probabilities": probabilities, "ood_score": ood_score}

    network = Named().eval()
    pixels = torch.zeros(network.answer.shape, dtype=torch.uint8)
    litert_torch.convert(network, sample_kwargs={"pixels": pixels}).export(str(out))


def to_coreml(graph: bytes, out: Path, words: dict[str, Any]) -> None:
    """Write an ``.mlpackage`` of a classifier whose input is an image of the one size."""
    import coremltools
    import torch
    from torch import Tensor, nn

    from bakeoff.bundle.torch_graph import TorchGraph

    class OfImages(nn.Module):
        """Core ML has no input of uint8, but images: N×C×H×W numbers from 0 to 255."""

        def __init__(self) -> None:
            super().__init__()
            self.answer = TorchGraph(graph)

        def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
            probabilities, ood_score, *_ = self.answer(image.permute(0, 2, 3, 1))
            return probabilities, ood_score

    network = OfImages().eval()
    count, height, width, channels = network.answer.shape
    shape = (count, channels, height, width)
    program = torch.export.export(network, (torch.zeros(shape),)).run_decompositions({})
    layout = coremltools.colorlayout
    model = coremltools.convert(
        program,
        inputs=[
            coremltools.ImageType(
                "image", shape=shape, color_layout=layout.RGB if channels == 3 else layout.GRAYSCALE
            )
        ],
        outputs=[coremltools.TensorType("probabilities"), coremltools.TensorType("ood_score")],
        compute_precision=coremltools.precision.FLOAT32,
        minimum_deployment_target=coremltools.target.iOS16,
        skip_model_load=True,
    )
    model.short_description = words["about"]
    model.user_defined_metadata["classes"] = json.dumps(words["classes"], ensure_ascii=False)
    model.save(str(out))


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
