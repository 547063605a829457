"""A convolutional network from scratch: 3×3 filters, batch norm, pooling, a small head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Training
from bakeoff.training.model import Network
from bakeoff.training.ranges import Count, Share

__all__ = ["CNN"]

WIDE = (32, 48, 64, 96, 128)
NARROW = (16, 24, 32, 48, 64)


@dataclass(frozen=True, kw_only=True)
class CNN(Approach):
    """Convolutional layers as in VGG (Simonyan and Zisserman, 2015), with batch norm.

    Attributes
    ----------
    filters : width of each convolutional layer, one number a layer; None: 32, 48, 64, 96 and
        128, or half of each in a quick run.
    kernel_size : side of every filter; odd.
    pool_after : layers (counted from 1) after which the picture is halved; None: after the
        first and then every second layer, while the side has 4 pixels or more.
    pooling : how it is halved.
    dense : widths of hidden dense layers before the output layer.
    batch_norm : normalise after each convolutional layer (Ioffe and Szegedy, 2015).
    dropout : share of features dropped before each dense layer in training.
    """

    name: ClassVar[str] = "cnn"

    training: Training = Training(learning_rate=5e-3)
    filters: tuple[Count, ...] | None = None
    kernel_size: Count = 3
    pool_after: tuple[Count, ...] | None = None
    pooling: Literal["max", "average"] = "max"
    dense: tuple[Count, ...] = ()
    batch_norm: bool = True
    dropout: Share = 0.2

    def build(self, task: Task) -> Network:
        widths = self.filters
        if widths is None:
            widths = NARROW if task.budget == "quick" else WIDE
        if not widths or self.kernel_size % 2 == 0:
            raise BakeoffError(
                f"cnn.filters={self.filters}, cnn.kernel_size={self.kernel_size}",
                "a CNN needs at least one layer of filters and an odd kernel size",
                "For example: --set cnn.filters=32,64 --set cnn.kernel_size=3",
            )
        preprocess = self.preprocess(task)
        side, width = preprocess.size, preprocess.channels
        layers: list[nn.Module] = []
        for number, filters in enumerate(widths, start=1):
            padding = self.kernel_size // 2
            bias = not self.batch_norm
            layers.append(nn.Conv2d(width, filters, self.kernel_size, padding=padding, bias=bias))
            width = filters
            # Pooling before the norm quarters its work.
            if self._pools(number) and side >= 4:
                layers.append(nn.MaxPool2d(2) if self.pooling == "max" else nn.AvgPool2d(2))
                side //= 2
            layers += [nn.BatchNorm2d(width)] if self.batch_norm else []
            layers.append(nn.ReLU())
        layers.append(_Grid(side))
        width *= 4
        for hidden in self.dense:
            layers += [nn.Dropout(self.dropout), nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        body = nn.Sequential(*layers, nn.Dropout(self.dropout))
        return Network(body, nn.Linear(width, task.classes))

    def _pools(self, number: int) -> bool:
        if self.pool_after is None:
            return number % 2 == 1
        return number in self.pool_after


class _Grid(nn.Module):
    """N×C×S×S to N×4C: the mean of each quadrant, so that the head knows roughly where.

    With average pooling over fixed windows, since adaptive pooling does not export.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        stride = side // 2
        self.pool = nn.AvgPool2d(side - stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(x)
        return pooled.flatten(1)
