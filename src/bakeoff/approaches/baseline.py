"""The baseline: classical features and a linear model. Is deep learning needed here?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.training.fit import Training
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.ranges import Count

__all__ = ["Baseline"]

FAINTEST = 0.05  # weaker edges stay weak: normalised to full strength they are rounding noise


@dataclass(frozen=True, kw_only=True)
class Baseline(Approach):
    """Histograms of oriented gradients (Dalal and Triggs, 2005), then logistic regression.

    Attributes
    ----------
    cells : the picture is divided into cells × cells, each with its own histogram.
    orientations : bins of a histogram, over 180°.
    """

    name: ClassVar[str] = "baseline"
    views: ClassVar[int] = 3
    input_settings: ClassVar[tuple[str, ...]] = ("side", "cells", "orientations")

    training: Training = Training(learning_rate=1e-2, weight_decay=0.5)
    cells: Count = 7
    orientations: Annotated[int, Field(ge=2)] = 9

    def preprocess(self, task: Task) -> Preprocess:
        side = self.side or task.fitted_side(least=28, most=56)
        return Preprocess(
            mode=task.mode, size=-(-side // self.cells) * self.cells, channels=task.channels
        )

    def frozen(self, task: Task) -> nn.Module:
        return HOG(self.preprocess(task).size, self.cells, self.orientations)

    def build(self, task: Task) -> Network:
        preprocess = self.preprocess(task)
        width = HOG(preprocess.size, self.cells, self.orientations).width(preprocess.channels)
        # Batch norm without weights standardises each feature by the training pictures. Its
        # epsilon keeps features that hardly vary small: they are rounding noise.
        standardise = nn.BatchNorm1d(width, affine=False, momentum=None, eps=3e-2)
        return Network(standardise, nn.Linear(width, task.classes))


class HOG(nn.Module):
    """N×C×S×S in 0…1 to N×D: block-normalised gradient histograms, and a thumbnail."""

    def __init__(self, size: int, cells: int, orientations: int) -> None:
        super().__init__()
        self.cells, self.orientations, self.cell = cells, orientations, size // cells
        sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
        self.register_buffer("sobel", torch.stack([sobel, sobel.T])[:, None], persistent=False)
        centres = torch.arange(orientations) * (math.pi / orientations)
        # A gradient times one of these is its length times the cosine between them: no angle is
        # computed, for which some runtimes have no operator.
        axes = torch.stack([centres.cos(), centres.sin()], 1)
        self.register_buffer("axes", axes[:, :, None, None], persistent=False)

    def width(self, channels: int) -> int:
        """D, the number of features, for pictures with `channels` channels."""
        return self.cells**2 * (self.orientations + channels)

    def forward(self, x: Tensor) -> Tensor:
        grey = F.pad(x.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        gradient = F.conv2d(grey, self.get_buffer("sobel"))
        strength = gradient.square().sum(1, keepdim=True).sqrt()
        # A direction votes for its two nearest bins by cosine; opposite directions are the same.
        share = F.conv2d(gradient, self.get_buffer("axes")).abs()
        share = (share - math.cos(math.pi / self.orientations) * strength).clamp(min=0)
        # Without an edge all shares are 0.
        share = share / share.sum(1, keepdim=True).clamp(min=1e-12)
        cells = F.avg_pool2d(share * strength, self.cell)
        energy = F.avg_pool2d(
            cells.square().sum(1, keepdim=True), 3, stride=1, padding=1, count_include_pad=False
        )
        histograms = cells / (energy.sqrt() + FAINTEST)
        thumbnail = F.avg_pool2d(x, self.cell)
        return torch.cat([histograms.flatten(1), thumbnail.flatten(1)], 1)
