"""The network that embeds drawings: a few convolutions, trained on Quick, Draw! by `scripts/`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

__all__ = ["FEATURES", "SKETCH_WEIGHTS", "SketchNet", "load_sketch", "load_sketch_head"]

SKETCH_WEIGHTS = Path(__file__).parents[1] / "approaches" / "weights" / "sketch.safetensors"
FEATURES = 4 * 128 + 512  # in an embedding: of the second stage, and of the third


class SketchNet(nn.Module):
    """N×1×S×S ink in 0…1 to N×1024 features, for any S from 20.

    Made for 28 pixels, where an answer takes 9.1 million multiplications: the first layer has no
    padding, since `Preprocess` leaves a margin around a drawing, and the sides are 12, 6 and 3.
    Bottlenecks with a shortcut (He et al., 2015) and squeeze-and-excitation (Hu et al., 2017) add
    depth for few multiplications. The features are averages of the second stage (corners) over
    each quadrant, and of the third (shapes) over all places.
    """

    def __init__(self) -> None:
        super().__init__()
        self.strokes = nn.Sequential(_layer(1, 32, side=5, stride=2), _layer(32, 40, side=3))
        self.corners = nn.Sequential(
            nn.MaxPool2d(2), _layer(40, 128, side=3), _Bottleneck(128, 48), _Excitation(128)
        )
        self.shapes = nn.Sequential(
            nn.MaxPool2d(2),
            _layer(128, 224, side=3),
            _Bottleneck(224, 96),
            _Excitation(224),
            _layer(224, 512, side=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        corners = self.corners(self.strokes(x))
        shapes = self.shapes(corners)
        return torch.cat([_quadrants(corners), shapes.mean((2, 3))], 1)


def load_sketch(path: Path) -> SketchNet:
    """The trained network, in eval mode; `scripts/make_sketch_backbone.py` wrote the file."""
    network = SketchNet()
    network.load_state_dict(_tensors(path, "network."))
    return network.eval()


def load_sketch_head(path: Path) -> tuple[nn.Linear, tuple[str, ...]]:
    """The head for the classes that trained the network, N×1024 to logits, and their names."""
    with safe_open(path, framework="pt") as file:
        names = tuple(json.loads(file.metadata()["classes"]))
    head = nn.Linear(FEATURES, len(names))
    head.load_state_dict(_tensors(path, "head."))
    return head.eval(), names


def _tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, in float32; the file has half of the bits."""
    with safe_open(path, framework="pt") as file:
        return {
            name.removeprefix(prefix): _full(file.get_tensor(name))
            for name in file.keys()  # noqa: SIM118 - the file cannot be iterated
            if name.startswith(prefix)
        }


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _quadrants(x: Tensor) -> Tensor:
    """N×C×S×S to N×4C; with fixed windows, since adaptive pooling does not export."""
    stride = x.shape[-1] // 2
    pooled: Tensor = F.avg_pool2d(x, x.shape[-1] - stride, stride=stride)
    return pooled.flatten(1)


def _layer(width: int, filters: int, *, side: int, stride: int = 1) -> nn.Sequential:
    padding = 0 if stride > 1 else side // 2
    return nn.Sequential(
        nn.Conv2d(width, filters, side, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    )


class _Bottleneck(nn.Module):
    """Three layers, the middle one narrow, beside a shortcut."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(width)
        nn.init.zeros_(norm.weight)  # the shortcut alone, at first
        self.layers = nn.Sequential(
            _layer(width, narrow, side=1),
            _layer(narrow, narrow, side=3),
            nn.Conv2d(narrow, width, 1, bias=False),
            norm,
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.layers(x))


class _Excitation(nn.Module):
    """Scale each channel by what all channels are on average."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = nn.Sequential(
            nn.Linear(width, width // 4), nn.ReLU(), nn.Linear(width // 4, width), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.gates(x.mean((2, 3)))
        return x * gates[:, :, None, None]
