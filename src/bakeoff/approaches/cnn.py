"""A convolutional network from scratch: 3×3 filters, batch norm, pooling, a small head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from bakeoff.approaches.approach import Task
from bakeoff.approaches.stem import FEW, GRID, Mixed, OnWavelets, Quarters
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Training
from bakeoff.training.model import Network
from bakeoff.training.ranges import Count, Share

__all__ = ["CNN"]

WIDE = (32, 48, 64, 96, 128)
NARROW = (16, 24, 32, 48, 64)
WIDE_ON_WAVELETS, NARROW_ON_WAVELETS = (64, 96), (48, 64)


@dataclass(frozen=True, kw_only=True)
class CNN(OnWavelets):
    """Convolutional layers as in VGG (Simonyan and Zisserman, 2015), with batch norm.

    Attributes
    ----------
    stem : "scattering" puts fixed wavelets in front of the layers, "pixels" nothing. None: wavelets
        for up to 3 000 pictures.
    filters : width of each convolutional layer, one number a layer; None: 32, 48, 64, 96 and
        128, or half of each in a quick run; on wavelets 64 and 96, or 48 and 64.
    kernel_size : side of every filter; odd.
    pool_after : layers (counted from 1) after which the picture is halved; None: after the
        first and then every second layer, while the side has 4 pixels or more.
    pooling : how it is halved.
    dense : widths of hidden dense layers before the output layer.
    batch_norm : normalise after each convolutional layer (Ioffe and Szegedy, 2015).
    dropout : share of features dropped before each dense layer in training.
    """

    name: ClassVar[str] = "cnn"

    input_settings: ClassVar[tuple[str, ...]] = ("side", "stem")

    training: Training = Training(learning_rate=5e-3)
    stem: Literal["scattering", "pixels"] | None = None
    filters: tuple[Count, ...] | None = None
    kernel_size: Count = 3
    pool_after: tuple[Count, ...] | None = None
    pooling: Literal["max", "average"] = "max"
    dense: tuple[Count, ...] = ()
    batch_norm: bool = True
    dropout: Share = 0.2

    def on_wavelets(self, task: Task) -> bool:
        return task.pictures <= FEW if self.stem is None else self.stem == "scattering"

    def build(self, task: Task) -> Network:
        scattering, quick = self.frozen(task), task.budget == "quick"
        widths = self.filters
        if widths is None and scattering is not None:
            widths = NARROW_ON_WAVELETS if quick else WIDE_ON_WAVELETS
        elif widths is None:
            widths = NARROW if quick else WIDE
        if not widths or self.kernel_size % 2 == 0:
            raise BakeoffError(
                f"cnn.filters={self.filters}, cnn.kernel_size={self.kernel_size}",
                "a CNN needs at least one layer of filters and an odd kernel size",
                "For example: --set cnn.filters=32,64 --set cnn.kernel_size=3",
            )
        preprocess = self.preprocess(task)
        side, width = preprocess.size, preprocess.channels
        layers: list[nn.Module] = []
        if scattering is not None:
            side, width = GRID, widths[0]
            layers.append(Mixed(scattering, width))
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
        layers.append(Quarters(side))
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
