"""Converters that take torch's graphs: LiteRT and Core ML. Both are slow to import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["to_coreml", "to_litert"]


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
