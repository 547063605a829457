"""The first project's two models: a CNN of separable convolutions, and a head on a frozen network.

The head stood on MobileNetV2. Its weights come with no Python package, so EfficientNet-Lite0 is in
its place, which is built of the same inverted residual blocks and was trained on the same photos.

    bakeoff run drawings/ --approach first.py:FirstCNN --approach first.py:FirstTransfer --folds 10
"""

from dataclasses import dataclass

from torch import nn

from bakeoff.approaches import Transfer
from bakeoff.training.fit import Training


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Filters for each channel, then a mixture of channels."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class FirstCNN(nn.Sequential):
    """A strided convolution, separable ones, average pooling, dropout and a dense layer.

    L2 is weight decay. Its augmentation (turned, moved and scaled drawings) is bakeoff's.
    """

    bakeoff = {"size": 48, "title": "First project: CNN", "training": {"weight_decay": 0.1}}

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            separable(32, 64, stride=2),
            separable(64, 128, stride=2),
            separable(128, 128, stride=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.4),
            nn.Linear(128, classes),
        )


@dataclass(frozen=True, kw_only=True)
class FirstTransfer(Transfer):
    """Features of a frozen network for photos, a hidden layer, dropout, and a dense layer."""

    backbone: str = "tf_efficientnet_lite0"
    side: int | None = 96
    dense: tuple[int, ...] = (64,)
    dropout: float = 0.4
    training: Training = Training(learning_rate=1e-3, weight_decay=0.1)
    title = "First project: transfer"
